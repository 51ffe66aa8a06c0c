//! Secrets and encryption as they are written: what is kept, and what no message, digest or debug output shows.

use super::{SECTIONS, START, load_path, load_text, show};
use crate::{Config, VariableInputs, load};
use hactl_core::diagnostic::SourceId;

const AGE: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfkIfWTvV8RKtVJIAnHIaF9Q6gLZZJ3n7dVzjJcWq0e ops@example.com";

fn variables(config: &Config) -> Vec<&str> {
    config.inline_secrets.keys().map(String::as_str).collect()
}

#[test]
fn inline_values_are_taken_out_of_all_that_is_kept() {
    let text = format!(
        "{START}variables: {{open: hunter1, closed: {{default: hunter2, sensitive: true}}}}\nsecrets:\n  db:\n    protect: true\n    data:\n      \
         plain: hunter3\n      long: {{value: hunter4}}\n      env: {{env: TOKEN}}\n      open: ${{var.open}}\n      \
         closed: ${{var.closed}}\n      url: \"postgres://u:hunter5@${{var.open}}/é-${{join(\\\"hunter6\\\", [var.open])}}\"\n  \
         tls:\n    import: {{certificate: public, privateKey: hunter7, ca: {{file: ca.pem}}}}\n"
    );
    let config = load_text(&text).unwrap();
    assert_eq!(
        variables(&config),
        ["secret.db.long", "secret.db.plain", "secret.tls.import.certificate", "secret.tls.import.privateKey"]
    );
    assert_eq!(config.inline_secrets["secret.db.plain"].expose().as_str(), Some("hunter3"));
    let secret = &config.declarations[0];
    assert_eq!((secret.kind, secret.name.as_str(), secret.selector.len(), secret.protect), ("secret", "db", 0, true));
    let lines = config.sources.text(SourceId(0)).lines().skip(6).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(lines, @r#"
secrets:
  db:
    protect: true
    data:
      plain: *******
      long: {value: *******}
      env: {env: TOKEN}
      open: ${var.open}
      closed: ${var.closed}
      url: "*********************${var.open}****${join(\"*******\", [var.open])}"
  tls:
    import: {certificate: ******, privateKey: *******, ca: {file: ca.pem}}
"#);
    insta::assert_snapshot!(show(&config.sources, &config.warnings), @"
hactl.yaml:11:14: `plain` of secret.db stands in plain text in the config (take it from `{env: NAME}`, `{file: PATH}`, `{exec: [COMMAND]}`, `{sops: {file: PATH, key: KEY}}` or a variable with `sensitive: true`, or let hactl `generate` it)
hactl.yaml:12:21: `long` of secret.db stands in plain text in the config (take it from `{env: NAME}`, `{file: PATH}`, `{exec: [COMMAND]}`, `{sops: {file: PATH, key: KEY}}` or a variable with `sensitive: true`, or let hactl `generate` it)
hactl.yaml:14:13: `open` of secret.db comes from a variable that is not sensitive (declare it as `open: {sensitive: true}`)
hactl.yaml:18:47: `privateKey` of secret.tls stands in plain text in the config (take it from `{env: NAME}`, `{file: PATH}`, `{exec: [COMMAND]}`, `{sops: {file: PATH, key: KEY}}` or a variable with `sensitive: true`, or let hactl `generate` it)
");
    let debug = format!("{:?} {:?}", config.inline_secrets, config.declarations);
    for number in [3, 4, 7] {
        let value = format!("hunter{number}");
        assert!(!debug.contains(&value), "{debug}");
    }
    for (value, same) in [
        ("hunter3", true),
        ("hunter4", true),
        ("hunter5", true),
        ("hunter6", true),
        ("hunter7", true),
        ("TOKEN", false),
    ] {
        let other = load_text(text.replace(value, "changed")).unwrap();
        assert_eq!(other.digest() == config.digest(), same, "{value}");
    }
}

#[test]
fn mistakes_show_no_values() {
    let text = format!(
        "{START}secrets:\n  a: hunter2\n  b: {{password: hunter2}}\n  c: {{data: hunter2}}\n  d: {{data: {{x: 12345, y: [hunter2], z: {{vaule: hunter2}}}}}}\n  \
         e: {{generate: {{password: hunter2}}}}\n  f: {{nodes: all, adopt: true, data: {{x: hunter2}}}}\n  \
         g: {{data: {{x: \"hunter2${{var.none}}\", y: \"hunter2${{\"}}}}\n  h: {{data: {{x: {{value: {{y: hunter2}}}}}}}}\n  \
         i: {{data: {{x: {{env: A, value: hunter2}}}}}}\n"
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hactl.yaml");
    std::fs::write(&path, text).unwrap();
    let failure = load(&path, SECTIONS, &VariableInputs::default()).unwrap_err();
    let lines = failure.sources.text(SourceId(0));
    assert!(!lines.contains("hunter2") && !lines.contains("12345"), "{lines}");
    let message = show(&failure.sources, &failure.diagnostics);
    assert!(!message.contains("hunter2"), "{message}");
    insta::assert_snapshot!(message, @"
hactl.yaml:7:6: this is text, expected a map
hactl.yaml:8:7: unknown key `password` (known keys: `data`, `dependsOn`, `generate`, `ignoreChanges`, `import`, `protect`)
hactl.yaml:9:13: `data` is text, expected a map
hactl.yaml:10:17: `data.x` is a number, expected text or a map (put it in quotes)
hactl.yaml:10:27: `data.y` is a list, expected text or a map
hactl.yaml:10:42: unknown key `vaule` in `data.z` (did you mean `value`?)
hactl.yaml:11:28: `generate.password` is text, expected a map
hactl.yaml:12:7: a secret has no `nodes`: it is not on nodes (take it out; only what lives on nodes says on which)
hactl.yaml:12:19: a secret has no `adopt`: it is not on nodes (take it out; only what lives on nodes says on which)
hactl.yaml:12:42: `x` of secret.f stands in plain text in the config (take it from `{env: NAME}`, `{file: PATH}`, `{exec: [COMMAND]}`, `{sops: {file: PATH, key: KEY}}` or a variable with `sensitive: true`, or let hactl `generate` it)
hactl.yaml:13:27: there is no variable `none` (there are no variables)
hactl.yaml:13:50: the expression cannot be read: `${` holds nothing, or is not closed by `}` (an expression is written `${…}`; `$${` stands for a literal `${`)
hactl.yaml:14:25: `data.x.value` is a map, expected text
hactl.yaml:15:26: `env` and `value` exclude each other in `data.x` (keep one of them)
");
}

#[test]
fn a_mistyped_section_shows_no_values() {
    let message = load_text("hactl: 1\nname: a\nsecret: {db: {data: {x: hunter2}}}\n").unwrap_err();
    insta::assert_snapshot!(message, @"hactl.yaml:3:1: unknown key `secret` (did you mean `secrets`?)");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hactl.yaml");
    std::fs::write(&path, "hactl: 1\nname: a\nsecret: {db: {data: {x: hunter2}}}\n").unwrap();
    let failure = load(&path, SECTIONS, &VariableInputs::default()).unwrap_err();
    assert!(!failure.sources.text(SourceId(0)).contains("hunter2"));
}

#[test]
fn registries_may_take_their_passwords_from_secrets() {
    let text = |password: &str| {
        format!(
            "{START}variables: {{host: x}}\nsecrets:\n  hub: {{data: {{token: {{env: TOKEN}}, 'a.b': {{file: t}}, \
             made: 'x-${{node.n1.address}}'}}}}\n  cert: {{import: {{certificate: a, privateKey: {{file: b}}}}}}\n  \
             made: {{generate: {{password: {{}}}}}}\n\
             registries:\n  docker.io: {{username: ci, password: '{password}'}}\n"
        )
    };
    for (password, name) in [
        ("${secret.hub.token}", "secret.hub.token"),
        ("${secret.hub[\"a.b\"]}", "secret.hub.a.b"),
        ("${secret.cert.privateKey}", "secret.cert.privateKey"),
    ] {
        let config = load_text(text(password)).unwrap();
        let login = serde_json::to_string(&config.registries["docker.io"].login.password).unwrap();
        assert!(login.contains(&format!("{{\"variable\":\"{name}\"}}")), "{login}");
        assert!(config.sensitive_values().is_empty());
    }
    let messages: String = [
        "${secret.hub.tokn}",
        "${secret.hb.token}",
        "${secret.hub}",
        "${secret.made.value}",
        "${secret.hub.made}",
        "${secret.cert.key}",
    ]
    .iter()
    .map(|password| load_text(text(password)).unwrap_err())
    .collect();
    insta::assert_snapshot!(messages, @"
hactl.yaml:12:42: secret.hub has no entry `tokn` (did you mean `token`?)
hactl.yaml:12:42: there is no secret `hb` (did you mean `hub`?)
hactl.yaml:12:42: `secret` needs the names of a secret and of its entry (write `secret.name.entry`)
hactl.yaml:12:42: secret.made is generated, so its value is known only after apply (credentials of a registry are needed before: take them from `data`, or from a sensitive variable)
hactl.yaml:12:42: secret.hub.made is made of more than variables (credentials of a registry are needed before anything is applied: use variables and other sources only)
hactl.yaml:12:42: secret.cert has no entry `key` (entries: `certificate`, `privateKey`, `chain`)
");
}

#[test]
fn recipients() {
    let config = load_text(format!(
        "{START}variables: {{key: {AGE}}}\nencryption: {{recipients: ['${{var.key}}', \"{SSH}\"]}}\n"
    ))
    .unwrap();
    let encryption = config.encryption.unwrap();
    let texts: Vec<&str> = encryption.recipients.iter().map(|recipient| recipient.text.as_str()).collect();
    assert_eq!(texts, [AGE, SSH]);
    assert_eq!(config.sources.position(encryption.recipients[1].span), (7, 41));
    assert!(load_text(START).unwrap().encryption.is_none());
}

#[test]
fn wrong_recipients() {
    let secret = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
    let text = format!(
        "{START}variables: {{closed: {{default: x, sensitive: true}}}}\nencryption:\n  recipients:\n    - {secret}\n    - |\n      -----BEGIN OPENSSH PRIVATE KEY-----\n      hunter2\n    \
         - {AGE}\n    - {AGE}\n    - {}\n    - age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t\n    - ssh-ed25519 AAAA\n    \
         - ecdsa-sha2-nistp256 AAAA x\n    - ~/.ssh/id_ed25519.pub\n    - {SSH}\n    - {} other@comment\n",
        &AGE[..40],
        SSH.rsplit_once(' ').unwrap().0,
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hactl.yaml");
    std::fs::write(&path, &text).unwrap();
    let failure = load(&path, SECTIONS, &VariableInputs::default()).unwrap_err();
    let lines = failure.sources.text(SourceId(0));
    assert!(!lines.contains("GFPYY") && !lines.contains("hunter2"), "{lines}");
    insta::assert_snapshot!(show(&failure.sources, &failure.diagnostics), @"
hactl.yaml:9:7: a private key stands among the recipients (write its public key: `age-keygen -y FILE` prints the one of an age identity, an SSH key has it in its `.pub` file; and replace this private key, which is no secret any more)
hactl.yaml:11:7: a private key stands among the recipients (write its public key: `age-keygen -y FILE` prints the one of an age identity, an SSH key has it in its `.pub` file; and replace this private key, which is no secret any more)
hactl.yaml:14:7: [first here hactl.yaml:13:7] the recipient is there twice (take one of the two out)
hactl.yaml:15:7: the age public key is not whole: one has 62 lower-case letters and digits, this text has 40 (copy it again; `age-keygen -y FILE` prints the public key of an identity)
hactl.yaml:16:7: the recipient needs an age plug-in, and hactl runs none (take a plain age key, as `age-keygen` makes it, or an SSH key)
hactl.yaml:17:7: the SSH public key is not whole (copy the whole line of the `.pub` file: type, base64 and comment)
hactl.yaml:18:7: nothing can be encrypted to an SSH key of this type (take an ssh-ed25519 or ssh-rsa key, or make an age key with `age-keygen`)
hactl.yaml:19:7: this is not a public key (write `age1…`, `ssh-ed25519 AAAA…` or `ssh-rsa AAAA…`; not the name of a file)
hactl.yaml:21:7: [first here hactl.yaml:20:7] the recipient is there twice (take one of the two out)
");
    let others: String = [
        "encryption: {recipients: []}",
        "encryption: {recipient: [x]}",
        "encryption: age1x",
        "variables: {a: {default: x, sensitive: true}}\nencryption: {recipients: ['${var.a}']}",
    ]
    .iter()
    .map(|text| load_text(format!("{START}{text}\n")).unwrap_err())
    .collect();
    insta::assert_snapshot!(others, @"
hactl.yaml:6:14: `recipients` is empty (name at least one public key, or take `encryption` out: your own identity is then the recipient)
hactl.yaml:6:14: unknown key `recipient` (did you mean `recipients`?)
hactl.yaml:6:13: this is text, expected a map
hactl.yaml:7:27: a sensitive value cannot be used here (use plain text or a variable that is not sensitive)
");
}

#[test]
fn a_directory_has_one_encryption() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.yaml"), format!("{START}encryption: {{recipients: [{AGE}]}}\n")).unwrap();
    std::fs::write(directory.path().join("b.yaml"), format!("hactl: 1\nencryption: {{recipients: [{AGE}]}}\n"))
        .unwrap();
    let message = load_path(directory.path(), &VariableInputs::default()).unwrap_err();
    insta::assert_snapshot!(message, @"b.yaml:2:1: [first here a.yaml:6:1] `encryption` is in two files (keep one of the two)");
}

#[test]
fn a_directory_may_hold_what_sops_encrypted() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("hactl.yaml", START);
    write("secrets.enc.yaml", "db:\n  password: ENC[AES256_GCM,data:x]\nsops:\n  mac: ENC[AES256_GCM,data:y]\n");
    load(directory.path(), SECTIONS, &VariableInputs::default()).unwrap();
    write("secrets.enc.yaml", "db: {password: hunter2}\n");
    assert!(load(directory.path(), SECTIONS, &VariableInputs::default()).is_err());
}

//! Secrets of a config: what they are lowered to, and what is said about those that are wrong.

use std::path::Path;

use hactl_config::{Config, LoadFailure, SourceMap, VariableInputs, load};
use hactl_core::Diagnostic;
use hactl_core::plan::Desired;
use hactl_core::resource::Resource;
use hactl_kinds::{SECTIONS, all_mistakes, lower, lower_with_warnings};

/// Two nodes and variables of both kinds; 6 lines.
const START: &str = "\
hactl: 1
name: shop
variables: {open: plain, closed: {default: hunter2, sensitive: true}}
nodes:
  n1: {address: 10.0.0.1}
  n2: {address: 10.0.0.2}
";

fn load_text(text: &str) -> Result<Config, String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("hactl.yaml");
    std::fs::write(&path, text).expect("the config is written");
    load(&path, SECTIONS, &VariableInputs::default()).map_err(|failure| {
        let LoadFailure { sources, diagnostics, .. } = all_mistakes(failure);
        show(&sources, &diagnostics, directory.path())
    })
}

fn lowered(text: &str) -> Desired {
    let config = load_text(&format!("{START}{text}")).unwrap_or_else(|said| panic!("{said}"));
    lower(&config, None).unwrap_or_else(|diagnostics| panic!("{}", show(&config.sources, &diagnostics, Path::new("-"))))
}

/// All that is wrong with a config, one line each: `line:column: summary (help)`.
fn wrong(text: &str) -> String {
    match load_text(&format!("{START}{text}")) {
        Err(said) => said,
        Ok(config) => match lower(&config, None) {
            Err(diagnostics) => show(&config.sources, &diagnostics, &config.directory),
            Ok(_) => "nothing\n".to_owned(),
        },
    }
}

fn show(sources: &SourceMap, diagnostics: &[Diagnostic], directory: &Path) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics.iter().filter(|diagnostic| diagnostic.is_error()) {
        let places = diagnostic.labels.iter().map(|label| {
            let (line, column) = sources.position(label.span);
            format!("{line}:{column}")
        });
        text.push_str(&format!("{}: {}", places.collect::<Vec<_>>().join(" "), diagnostic.summary));
        text.push_str(&diagnostic.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default());
        text.push('\n');
    }
    text.replace(&*directory.to_string_lossy(), ".")
}

/// One line per resource: its address, what it needs, its spec.
fn show_resources(desired: &Desired) -> String {
    let line = |resource: &Resource| {
        let needs: Vec<&str> = resource.dependencies.iter().map(|dependency| dependency.on.as_str()).collect();
        let node = resource.node.as_deref().unwrap_or("-");
        let spec = serde_json::to_string(&resource.spec).expect("a spec is JSON");
        // What stands for a value: `!` where it is sensitive.
        let spec = spec.replace(",\"sensitive\":true}}}", "}!").replace("{\"$hactl\":{\"deferred\":{\"expr\":", "");
        format!("{} on {node} after [{}]\n    {spec}\n", resource.address, needs.join(", "))
    };
    desired.resources.iter().map(line).collect()
}

#[test]
fn values_from_everywhere_stand_as_expressions() {
    let desired = lowered(
        "secrets:\n  db:\n    protect: true\n    data:\n      open: ${var.open}-${upper(\"x\")}\n      closed: ${var.closed}\n      \
         url: \"pg://u:${var.closed}@${node.n1.address}\"\n      address: ${node.n1.address}\n      env: {env: TOKEN}\n      file: {file: 'certs/${var.open}.pem'}\n      \
         exec: {exec: [vault, read, '${var.open}']}\n      sops: {sops: {file: s.yaml, key: 'db[0].password'}}\n      all: {sops: {file: s.yaml}}\n      \
         plain: hunter3\n      value: {value: '${var.open}'}\n      number: '${1 + 1}'\n      cacerts.pem: {value: hunter4}\n",
    );
    let shown = show_resources(&desired);
    assert!(!shown.contains("hunter"), "{shown}");
    insta::assert_snapshot!(shown, @r#"
secret.db on - after []
    {"data":{"address":{"literal":"10.0.0.1"}}!,"all":{"variable":"secret.db.all"}}!,"cacerts.pem":{"variable":"secret.db.cacerts.pem"}}!,"closed":{"variable":"closed"}}!,"env":{"variable":"secret.db.env"}}!,"exec":{"variable":"secret.db.exec"}}!,"file":{"variable":"secret.db.file"}}!,"number":{"variable":"secret.db.number"}}!,"open":{"variable":"secret.db.open"}}!,"plain":{"variable":"secret.db.plain"}}!,"sops":{"variable":"secret.db.sops"}}!,"url":{"template":[{"literal":"pg://u:"},{"variable":"closed"},{"literal":"@10.0.0.1"}]}}!,"value":{"variable":"secret.db.value"}}!},"sources":{"address":"expression","all":"sops s.yaml","cacerts.pem":"inline","closed":"expression","env":"env TOKEN","exec":"exec vault","file":"file certs/plain.pem","number":"expression","open":"expression","plain":"inline","sops":"sops s.yaml db[0].password","url":"expression","value":"expression"}}
"#);
}

#[test]
fn what_is_made_is_canonical() {
    let desired = lowered(
        "secrets:\n  password: {generate: {password: {}}}\n  digits: {generate: {password: {length: 20, alphabet: '0123456789'}}}\n  \
         token: {generate: {token: {bytes: 16}}}\n  ed: {generate: {sshKey: {}}}\n  rsa: {generate: {sshKey: {type: rsa, comment: ops}}}\n  \
         leaf:\n    generate:\n      certificate: {issuer: below, dnsNames: [b.example, '${var.open}.example', b.example], ipAddresses: ['::1', 10.0.0.5], validFor: 90d, renewBefore: 30d}\n  \
         client: {generate: {certificate: {issuer: root, commonName: admin, organisation: ops, usages: [clientAuth], keyType: rsa-2048}}}\n  \
         below: {generate: {certificateAuthority: {issuer: root, commonName: Below, keyType: ed25519, validFor: 1000d, overlap: 12h}}}\n  \
         root: {generate: {certificateAuthority: {commonName: Root, organisation: Example}}}\n",
    );
    insta::assert_snapshot!(show_resources(&desired), @r#"
secret.password on - after []
    {"generate":{"password":{"alphabet":"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789","length":32}}}
secret.digits on - after []
    {"generate":{"password":{"alphabet":"0123456789","length":20}}}
secret.token on - after []
    {"generate":{"token":{"bytes":16}}}
secret.ed on - after []
    {"generate":{"sshKey":{"comment":"ed","type":"ed25519"}}}
secret.rsa on - after []
    {"generate":{"sshKey":{"bits":4096,"comment":"ops","type":"rsa"}}}
secret.root on - after []
    {"generate":{"certificateAuthority":{"commonName":"Root","keyType":"ecdsa-p256","organisation":"Example","validFor":"3650d"}},"overlap":"30d","renewBefore":"365d"}
secret.client on - after [secret.root]
    {"generate":{"certificate":{"commonName":"admin","dnsNames":[],"ipAddresses":[],"keyType":"rsa-2048","organisation":"ops","usages":["clientAuth"],"validFor":"365d"}},"issuer":{"certificate":{"output":{"address":"secret.root","name":"issuing"}}}!,"privateKey":{"output":{"address":"secret.root","name":"privateKey"}}}!},"renewBefore":"121d"}
secret.below on - after [secret.root]
    {"generate":{"certificateAuthority":{"commonName":"Below","keyType":"ed25519","validFor":"1000d"}},"issuer":{"certificate":{"output":{"address":"secret.root","name":"issuing"}}}!,"privateKey":{"output":{"address":"secret.root","name":"privateKey"}}}!},"overlap":"12h","renewBefore":"100d"}
secret.leaf on - after [secret.below]
    {"generate":{"certificate":{"dnsNames":["b.example","plain.example"],"ipAddresses":["10.0.0.5","::1"],"keyType":"ecdsa-p256","usages":["serverAuth","clientAuth"],"validFor":"90d"}},"issuer":{"certificate":{"output":{"address":"secret.below","name":"issuing"}}}!,"privateKey":{"output":{"address":"secret.below","name":"privateKey"}}}!},"renewBefore":"30d"}
"#);
}

#[test]
fn references_lead_to_values_and_to_what_is_made() {
    let desired = lowered(
        "secrets:\n  keys: {data: {cacerts.pem: {file: ca.pem}, other: '${secret.keys2.x}'}}\n  keys2: {data: {x: {env: X}}}\n  \
         made: {generate: {password: {}}}\n  guide: {import: {certificate: {file: c.pem}, privateKey: {file: k.pem}}}\n\
         files:\n  ca: {nodes: all, path: /ca.pem, content: '${secret.keys[\"cacerts.pem\"]}'}\n  \
         open: {nodes: [n1], path: /open, mode: '0640', content: 'x'}\n  \
         ram: {nodes: [n1], path: /run/x, tmpfs: true, content: '${jsonencode(secret.keys)}${secret.guide.chain}'}\n\
         containers:\n  web: {nodes: [n2], image: x, dependsOn: [secret.keys2], env: {PASSWORD: '${secret.made.value}'}}\n\
         outputs:\n  all: {value: '${secret.guide}', sensitive: true}\n",
    );
    insta::assert_snapshot!(show_resources(&desired), @r#"
secret.keys2 on - after []
    {"data":{"x":{"variable":"secret.keys2.x"}}!},"sources":{"x":"env X"}}
secret.keys on - after [secret.keys2]
    {"data":{"cacerts.pem":{"variable":"secret.keys.cacerts.pem"}}!,"other":{"variable":"secret.keys2.x"}}!},"sources":{"cacerts.pem":"file ca.pem","other":"expression"}}
secret.made on - after []
    {"generate":{"password":{"alphabet":"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789","length":32}}}
secret.guide on - after []
    {"import":{"certificate":{"variable":"secret.guide.certificate"}}!,"chain":{"variable":"secret.guide.chain"}}!,"privateKey":{"variable":"secret.guide.privateKey"}}!},"sources":{"certificate":"file c.pem","privateKey":"file k.pem"}}
file.ca["n1"] on n1 after [secret.keys]
    {"content":{"variable":"secret.keys.cacerts.pem"}}!,"mode":"0600","path":"/ca.pem"}
file.ca["n2"] on n2 after [secret.keys]
    {"content":{"variable":"secret.keys.cacerts.pem"}}!,"mode":"0600","path":"/ca.pem"}
file.open["n1"] on n1 after []
    {"content":"x","mode":"0640","path":"/open"}
file.ram["n1"] on n1 after [secret.guide, secret.keys]
    {"content":{"template":[{"call":["jsonencode",[{"map":[[{"literal":"cacerts.pem"},{"variable":"secret.keys.cacerts.pem"}],[{"literal":"other"},{"variable":"secret.keys2.x"}]]}],false]},{"variable":"secret.guide.chain"}]}}!,"mode":"0600","path":"/run/x","tmpfs":true}
container.web["n2"] on n2 after [secret.keys2, secret.made]
    {"env":{"PASSWORD":{"output":{"address":"secret.made","name":"value"}}}!},"image":"x","name":"web","restart":"unless-stopped","running":true}
"#);
    insta::assert_snapshot!(serde_json::to_string(&desired.outputs).unwrap(), @r#"{"all":{"$hactl":{"deferred":{"expr":{"map":[[{"literal":"certificate"},{"variable":"secret.guide.certificate"}],[{"literal":"chain"},{"variable":"secret.guide.chain"}],[{"literal":"privateKey"},{"variable":"secret.guide.privateKey"}]]},"sensitive":true}}}}"#);
}

#[test]
fn a_readable_file_with_a_secret_is_warned_about() {
    let config = load_text(&format!(
        "{START}secrets:\n  a: {{data: {{x: {{env: X}}, certificate: {{env: X}}}}}}\n  ca: {{generate: {{certificateAuthority: {{commonName: CA}}}}}}\n  \
         guide: {{import: {{certificate: {{file: x}}, privateKey: {{file: y}}}}}}\nfiles:\n  a: {{nodes: all, path: /a, mode: '0644', content: '${{secret.a.x}}'}}\n  \
         b: {{nodes: all, path: /b, mode: '0640', content: '${{secret.a.x}}'}}\n  c: {{nodes: all, path: /c, mode: '0600', content: '${{secret.a.x}}'}}\n  \
         d: {{nodes: all, path: /d, mode: '0644', content: x}}\n  \
         public: {{nodes: all, path: /e, mode: '0644', content: '${{secret.ca.certificate}} ${{base64encode(secret.guide.chain)}}'}}\n  \
         mixed: {{nodes: all, path: /f, mode: '0644', content: '${{secret.ca.certificate}} ${{secret.ca.privateKey}}'}}\n  \
         named: {{nodes: all, path: /g, mode: '0644', content: '${{secret.a.certificate}}'}}\n"
    ))
    .unwrap();
    let (_, warnings) = lower_with_warnings(&config, None).unwrap();
    assert_eq!(hactl_kinds::warnings(&config), warnings);
    assert_eq!(hactl_kinds::mistakes(&config), []);
    let said: Vec<String> = warnings
        .iter()
        .map(|warning| {
            format!(
                "{}: {} ({})",
                warning.subject.as_deref().unwrap(),
                warning.summary,
                warning.help.as_deref().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
file.a: the file holds a secret, and its mode "0644" lets everybody on the host read it (leave `mode` out, which makes it "0600", and set `owner` to the user that reads it)
file.b: the file holds a secret, and its mode "0640" lets its group read it (leave `mode` out, which makes it "0600", and set `owner` to the user that reads it)
file.mixed: the file holds a secret, and its mode "0644" lets everybody on the host read it (leave `mode` out, which makes it "0600", and set `owner` to the user that reads it)
file.named: the file holds a secret, and its mode "0644" lets everybody on the host read it (leave `mode` out, which makes it "0600", and set `owner` to the user that reads it)
"#);
}

#[test]
fn wrong_forms() {
    insta::assert_snapshot!(wrong(
        "secrets:\n  none: {}\n  two: {data: {x: {env: X}}, generate: {token: {}}}\n  both: {generate: {token: {}, password: {}}}\n  \
         empty: {data: {}}\n  names: {data: {'a b': {env: X}, 'ü': {env: Y}}}\n  kind: {generate: {pasword: {}}}\n  \
         source: {data: {x: {enviroment: X}, y: {env: X, file: y}, z: {}, l: [a], n: 12, s: {sops: {key: x}}}}\n  \
         import: {import: {certificate: {file: x}}}\n  nodes: {nodes: all, data: {x: {env: X}}}\n  \
         american: {generate: {certificateAuthority: {commonName: x, organization: y}}}\n"
    ), @r#"
    8:3: the secret has no value (give it one of `data`, `generate` and `import`)
    9:30: `data` and `generate` exclude each other (keep one of them, or make two secrets of it)
    10:32: `password` and `token` exclude each other in `generate` (keep one of them)
    11:3: `data` has no entries (name at least one, as in `password: {env: DB_PASSWORD}`)
    12:18: "a b" cannot be the name of an entry (a name holds letters, digits, `-`, `_` and `.`; at most 253 of them)
    12:35: "ü" cannot be the name of an entry (a name holds letters, digits, `-`, `_` and `.`; at most 253 of them)
    13:21: unknown key `pasword` in `generate` (did you mean `password`?)
    14:23: unknown key `enviroment` in `data.x` (known keys: `env`, `file`, `exec`, `sops`, `value`)
    14:51: `env` and `file` exclude each other in `data.y` (keep one of them)
    14:61: `env` is missing in `data.z` (add `env:` with text)
    14:71: `data.l` is a list, expected text or a map
    14:79: `data.n` is a number, expected text or a map (put it in quotes)
    14:87: `file` is missing in `data.s.sops` (add `file:` with text)
    15:12: `privateKey` is missing in `import` (add `privateKey:` with text or a map)
    16:11: a secret has no `nodes`: it is not on nodes (take it out; only what lives on nodes says on which)
    17:63: unknown key `organization` in `generate.certificateAuthority` (did you mean `organisation`?)
    "#);
}

#[test]
fn wrong_words_of_sources() {
    insta::assert_snapshot!(wrong(
        "secrets:\n  words:\n    data:\n      env: {env: 'A B'}\n      file: {file: ''}\n      exec: {exec: []}\n      argv: {exec: [echo, '${var.closed}']}\n      \
         path: {file: '${var.closed}'}\n      node: {file: '${node.n1.address}'}\n      key: {sops: {file: x, key: 'a..b'}}\n      list: '${[1]}'\n      \
         map: '${node.n1}'\n      null: '${null}'\n  gone: {data: {x: '${secret.b.x}'}}\n  entry: {data: {x: '${secret.c.y}'}}\n  c: {data: {x: {env: X}}}\n  \
         d: {import: {certificate: '${secret.c.x}', privateKey: {env: K}}}\n  self: {data: {x: '${secret.self.y}', y: {env: Y}}}\n  other: {data: {x: '${self.node.name}'}}\n  \
         whole: {data: '${var.open}'}\n  nothing: {import: }\n  made: {generate: }\n  all-sops: {data: {x: {sops: '${var.open}'}}}\n  late: {generate: {password: '${var.open}'}}\n"
    ), @r#"
24:23: resources need each other in a circle (take one of these references or `dependsOn` entries out)
10:18: `env` is not the name of an environment variable (write its name alone, as in `{env: DB_PASSWORD}`)
11:20: `file` names no file (write its path from the config's directory, as in `{file: certs/key.pem}`)
12:20: `exec` names no command (write it as a list of a program and its arguments, as in `{exec: [pass, show, db]}`)
13:27: a word of `exec` is sensitive (let the command read the value from its environment or from a file)
14:20: `file` is sensitive (it says where the secret is, and is shown in plans: use a text that is not sensitive)
15:23: `node` cannot be used here (only variables (`var.…`) and functions can)
16:34: `key` is not the path of a value in a SOPS file (write it as in `db.password` or `users[0].token`; a key with other characters as in `["a.b"]["c"]`)
17:13: `data.list` yields a list, expected text (take one value out of it, or make it text with `jsonencode(…)`)
18:12: `data.map` yields a map, expected text (take one value out of it, or make it text with `jsonencode(…)`)
19:13: `data.null` yields nothing, expected text (take one value out of it, or make it text with `jsonencode(…)`)
20:23: there is no secret `b` (did you mean `c`?)
21:24: secret.c has no attribute `y` (did you mean `x`?)
23:29: `import.certificate` uses more than variables (use variables only, or `{env}`, `{file}`, `{exec}` or `{sops}`)
25:24: `self` cannot be used here (only resources that live on nodes have it)
26:11: `data` is a template, expected a map (write its entries out, with `${…}` in their values)
27:13: `import` is nothing, expected a map (write its entries out, with `${…}` in their values)
28:10: this is empty, expected a map
29:31: `sops` is a template, expected a map (write it out, as in `{sops: {file: secrets.enc.yaml, key: db.password}}`)
30:31: `password` is text, expected a map
"#);
}

#[test]
fn wrong_generated() {
    insta::assert_snapshot!(wrong(
        "secrets:\n  short: {generate: {password: {length: 8}}}\n  few: {generate: {password: {alphabet: aaaa}}}\n  small: {generate: {password: {length: 12, alphabet: '0123456789'}}}\n  \
         token: {generate: {token: {bytes: 8}}}\n  bits: {generate: {sshKey: {bits: 2048}}}\n  dsa: {generate: {sshKey: {type: dsa}}}\n  weak: {generate: {sshKey: {type: rsa, bits: 1024}}}\n  \
         ca: {generate: {certificateAuthority: {commonName: '', validFor: 10d, renewBefore: 10d, overlap: 1y, keyType: rsa-1024}}}\n  \
         good: {generate: {certificateAuthority: {commonName: Good}}}\n  \
         names: {generate: {certificate: {issuer: good, dnsNames: ['*', bücher.example, 10.0.0.1, 'a b'], ipAddresses: [10.0.0.0/8], usages: [server]}}}\n  \
         nobody: {generate: {certificate: {issuer: goood, dnsNames: [a.example], validFor: 0d}}}\n  none: {generate: {certificate: {dnsNames: [a.example]}}}\n  \
         nameless: {generate: {certificate: {issuer: good, commonName: x}}}\n  not-ca: {generate: {certificate: {issuer: token2, dnsNames: [a.example]}}}\n  \
         token2: {generate: {token: {}}}\n  self: {generate: {certificateAuthority: {commonName: x, issuer: self}}}\n  \
         circle: {generate: {certificateAuthority: {commonName: x, issuer: circle2}}}\n  circle2: {generate: {certificateAuthority: {commonName: x, issuer: circle}}}\n  \
         closed: {generate: {certificate: {issuer: good, dnsNames: ['${var.closed}'], commonName: '${secret.token2.value}'}}}\n  \
         late: {generate: {certificate: {issuer: '${var.open}', dnsNames: [a.example]}}}\n  \
         ca2: {generate: {certificateAuthority: {commonName: '', validFor: 10d, renewBefore: 10d}}}\n  names2: {generate: {certificate: {issuer: good, dnsNames: ['*', bücher.example, 10.0.0.1, 'a b']}}}\n  \
         nobody2: {generate: {certificate: {issuer: goood, dnsNames: [a.example]}}}\n  period: {generate: {certificate: {issuer: good, dnsNames: [a.example], validFor: '${var.open}'}}}\n  \
         wants-id: {generate: {certificate: {issuer: good, dnsNames: ['${container.web[\"n1\"].id}']}}}\n\
         containers:\n  web: {nodes: all, image: x}\n"
    ), @"
8:41: the password would be weak: 8 characters out of 62 give 47 bits, at least 64 are needed; a length of 11 would do (leave `length` and `alphabet` out for 32 letters and digits, which are 190 bits)
9:41: the password would be weak: the alphabet has 1 distinct characters, at least 2 are needed; leave it out for letters and digits (leave `length` and `alphabet` out for 32 letters and digits, which are 190 bits)
10:55: the password would be weak: 12 characters out of 10 give 39 bits, at least 64 are needed; a length of 20 would do (leave `length` and `alphabet` out for 32 letters and digits, which are 190 bits)
11:37: `generate.token.bytes` is 8, expected from 16 to 4096
12:36: an ed25519 key has no `bits` (take it out, or write `type: rsa`)
13:35: `generate.sshKey.type` cannot be `dsa` (did you mean `rsa`?)
14:47: `generate.sshKey.bits` is 1024, expected from 2048 to 4096
15:100: `generate.certificateAuthority.overlap` is not valid: `1y` is not a period; write one like 365d or 12h, up to 36500d
15:113: `generate.certificateAuthority.keyType` cannot be `rsa-1024` (did you mean `rsa-2048`?)
17:114: `generate.certificate.ipAddresses[0]` is not valid: `10.0.0.0/8` is not an IP address; write one like 10.0.0.5 or 2001:db8::5, without a port or a prefix length
17:136: `generate.certificate.usages[0]` cannot be `server` (allowed words: `serverAuth`, `clientAuth`)
18:85: `generate.certificate.validFor` is not valid: `0d` is not a period; write one like 365d or 12h, up to 36500d
19:21: `issuer` is missing in `generate.certificate` (add `issuer:` with text)
20:25: a server's certificate needs a DNS name or an IP address (Clients compare the address they connect to with these names, not with the common name. For a client's certificate set the usages to `clientAuth` alone.)
21:45: secret.token2 is no certificate authority (name a secret with `generate: {certificateAuthority: {…}}`, or an imported authority)
23:67: resources need each other in a circle (take one of these references or `dependsOn` entries out)
25:70 24:69: resources need each other in a circle (take one of these references or `dependsOn` entries out)
26:62: `dnsNames` is sensitive (what a secret is made of is shown in plans, and a certificate shows it to everybody: use a value that is not sensitive)
26:92: `commonName` is sensitive (what a secret is made of is shown in plans, and a certificate shows it to everybody: use a value that is not sensitive)
27:43: `issuer` cannot use `${…}` (write the name of the secret itself, as in `issuer: my-ca`)
28:20: the common name is empty (Write a name, such as the host's or the company's; a certificate's may be left out altogether.)
28:87: `renewBefore` is not shorter than `validFor`: every plan would renew it (shorten it, or leave it out for a share of `validFor`)
29:62: the DNS name `*` has a `*` where none may be (A `*` stands for the whole leftmost label: `*.example.com`.)
29:67: the DNS name `bücher.example` is not in ASCII (Certificates carry names in punycode: write what `idn2 NAME` prints (`xn--…`).)
29:83: the DNS name `10.0.0.1` is an IP address (Give it as an IP address: clients look for it there.)
29:93: the DNS name `a b` has the wrong part `a b` (Between its dots stand 1 to 63 letters, digits, `-` and `_`; a `-` neither begins nor ends such a part.)
30:46: there is no secret `goood` (did you mean `good`?)
31:84: `certificate.validFor` is not valid: `plain` is not a period; write one like 365d or 12h, up to 36500d
32:64: `dnsNames[0]` is needed before anything is applied, and this value is known only then (use a value that the config itself holds; only texts such as `env` and `content` can wait)
");
}

#[test]
fn references_that_lead_nowhere() {
    insta::assert_snapshot!(wrong(
        "secrets:\n  db: {data: {password: {env: X}}}\n  made: {generate: {password: {}}}\n\
         files:\n  a: {nodes: all, path: /a, content: '${secret.dbb.password}'}\n  b: {nodes: all, path: /b, content: '${secret.db.pasword}'}\n  \
         c: {nodes: all, path: /c, content: '${secret.made.password}'}\n  d: {nodes: all, path: /d, content: '${secret.db}'}\n  \
         e: {nodes: all, path: /e, content: '${secret}', dependsOn: [secret.gone]}\n  f: {nodes: all, path: /f, content: '${secret.db[\"n1\"].password}'}\n\
         outputs:\n  open: '${secret.db.password}'\n"
    ), @"
15:63: there is no resource secret.gone (did you mean `secret.made`?)
11:41: there is no secret `dbb` (did you mean `db`?)
12:41: secret.db has no attribute `pasword` (did you mean `password`?)
13:41: secret.made has no attribute `password` (there are: value)
14:38: `content` is a map, expected text or a number or `true` or `false`
15:41: `secret` needs the name of a resource (write `secret.name`)
16:41: secret.db has no attribute `n1` (there are: password)
18:3: output open shows a sensitive value (mark it with `sensitive: true`)
");
}

#[test]
fn sensitive_values_where_others_can_read_them() {
    insta::assert_snapshot!(wrong(
        "secrets: {db: {data: {x: {env: X}}}}\ncontainers:\n  xa: {nodes: all, image: x, labels: {a: '${secret.db.x}'}}\n  \
         xb: {nodes: all, image: x, command: [run, '--password=${secret.db.x}']}\n  xc: {nodes: all, image: x, entrypoint: ['${secret.db.x}']}\n  \
         xd: {nodes: all, image: x, logging: {driver: splunk, options: {splunk-token: '${secret.db.x}'}}}\n  \
         xe: {nodes: all, image: x, sysctls: {a.b: '${var.closed}'}}\n  xf: {nodes: all, image: x, healthcheck: {command: [curl, '${secret.db.x}']}}\n  \
         xg: {nodes: all, image: x, health: {exec: [curl, '${secret.db.x}']}}\n  xh: {nodes: all, image: '${secret.db.x}'}\n  \
         xi: {nodes: all, image: x, volumes: ['${secret.db.x}:/x']}\n  xj: {nodes: all, image: x, env: {A: '${secret.db.x}'}}\n  \
         xk: {nodes: all, image: x, onFileChange: {reload: {exec: ['${secret.db.x}']}}}\n\
         files:\n  a: {nodes: all, path: '/${secret.db.x}', content: x}\n  b: {nodes: all, path: /b, content: x, owner: '${secret.db.x}'}\n"
    ), @"
21:25: `path` cannot hold a sensitive value: it is shown in plans, in state and on the host (use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount)
22:48: `owner` cannot hold a sensitive value: it is shown in plans, in state and on the host (use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount)
9:42: `labels.a` cannot hold a sensitive value: it is shown in plans, in state and on the host (use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount)
10:39: `command` cannot hold a sensitive value: it is shown in plans, in state and on the host (use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount)
11:42: `entrypoint` cannot hold a sensitive value: it is shown in plans, in state and on the host (use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount)
12:80: `logging.options.splunk-token` cannot hold a sensitive value: it is shown in plans, in state and on the host (use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount)
13:45: `sysctls.a.b` cannot hold a sensitive value: it is shown in plans, in state and on the host (use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount)
14:60: `healthcheck.command[1]` cannot hold a sensitive value: it is shown in plans, in state and on the host (use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount)
15:52: `health.exec[1]` cannot hold a sensitive value: it is shown in plans, in state and on the host (use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount)
16:27: `image` cannot hold a sensitive value: it is shown in plans, in state and on the host (use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount)
17:40: `volumes[0]` cannot hold a sensitive value: it is shown in plans, in state and on the host (use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount)
19:61: `onFileChange.reload.exec[0]` cannot hold a sensitive value: it is shown in plans, in state and on the host (use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount)
");
}

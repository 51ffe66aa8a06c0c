//! Reading secrets from where they come from, with real commands, files and SOPS.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use hactl_config::{Config, VariableInputs, load};
use hactl_core::Diagnostic;
use hactl_kinds::{ReadSecrets, SECTIONS, read_secrets};
use hactl_pki::{AuthoritySpec, CertificateSpec, Entropy, Issuer, KeyType, authority, issue};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

/// The time of all runs.
const NOW: &str = "2026-06-01T12:00:00Z";

/// A config's directory, and the environment that hactl runs in.
struct World {
    directory: TempDir,
    environment: BTreeMap<String, String>,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = format!("{}:/usr/bin:/bin", directory.path().join("bin").display());
        Self { directory, environment: BTreeMap::from([("PATH".to_owned(), path)]) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    fn script(&self, name: &str, text: &str) -> &Self {
        self.write(name, format!("#!/bin/sh\n{text}"));
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn config(&self, secrets: &str) -> Config {
        let text = format!(
            "hactl: 1\nname: shop\nvariables: {{open: plain, closed: {{default: hunter1, sensitive: true}}, list: {{default: [hunter2], sensitive: true}}}}\n\
             nodes: {{n1: {{address: a}}}}\nsecrets:\n{secrets}"
        );
        self.write("hactl.yaml", text);
        let loaded = load(&self.path("hactl.yaml"), SECTIONS, &VariableInputs::default());
        loaded.unwrap_or_else(|failure| panic!("{}", show(self, &failure.sources, &failure.diagnostics)))
    }

    fn read(&self, secrets: &str) -> Result<ReadSecrets, String> {
        let config = self.config(secrets);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let read = runtime.block_on(read_secrets(&config, &self.environment, NOW.parse().unwrap()));
        read.map_err(|diagnostics| show(self, &config.sources, &diagnostics))
    }

    /// The values, by name.
    fn values(&self, secrets: &str) -> BTreeMap<String, String> {
        let read = self.read(secrets).unwrap_or_else(|said| panic!("{said}"));
        assert!(!format!("{read:?}").contains("hunter"));
        let text = |value: &hactl_core::Value| value.as_str().unwrap().to_owned();
        read.values.iter().map(|(name, value)| (name.clone(), text(value.expose()))).collect()
    }
}

/// One line each: `subject line:column: summary [detail] (help)`.
fn show(world: &World, sources: &hactl_config::SourceMap, diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let (line, column) = diagnostic.labels.first().map_or((0, 0), |label| sources.position(label.span));
        let subject = diagnostic.subject.as_deref().unwrap_or("-");
        text.push_str(&format!("{subject} {line}:{column}: {}", diagnostic.summary));
        if !diagnostic.detail.is_empty() {
            text.push_str(&format!(" [{}]", diagnostic.detail.replace('\n', " | ")));
        }
        text.push_str(&diagnostic.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default());
        text.push('\n');
    }
    let directory = world.directory.path();
    text.replace(&*directory.to_string_lossy(), "DIR")
}

#[test]
fn every_source_yields_its_value() {
    let mut world = World::new();
    world.environment.insert("TOKEN".to_owned(), "hunter3\n".to_owned());
    world
        .write("certs/key.pem", "hunter4\nhunter5\n")
        .script("bin/vault", "printf 'hunter6 %s %s\\n\\n' \"$*\" \"$TOKEN\"");
    world.script("tool", "echo \"$(pwd)\"; cat; echo hunter7 >&2");
    let values = world.values(
        "  db:\n    data:\n      env: {env: TOKEN}\n      file: {file: 'certs/key.pem'}\n      exec: {exec: [vault, read, '${var.open}']}\n      \
         here: {exec: [./tool]}\n      open: 'x-${var.open}'\n      closed: 'x-${var.closed}'\n      function: '${trimspace(file(\"certs/key.pem\"))}'\n      \
         number: '${1 + 1}'\n      inline: hunter8\n      value: {value: hunter9}\n      a.b: {value: '${var.closed}'}\n      later: '${node.n1.address}'\n  \
         made: {generate: {password: {}}}\n",
    );
    let directory = world.directory.path().canonicalize().unwrap();
    let expected = [
        ("a.b", "hunter1"),
        ("closed", "x-hunter1"),
        ("env", "hunter3\n"),
        ("exec", "hunter6 read plain hunter3\n\n"),
        ("file", "hunter4\nhunter5\n"),
        ("function", "hunter4\nhunter5"),
        ("here", &directory.to_string_lossy()),
        ("inline", "hunter8"),
        ("number", "2"),
        ("open", "x-plain"),
        ("value", "hunter9"),
    ];
    let expected = expected.iter().map(|(name, value)| (format!("secret.db.{name}"), (*value).to_owned()));
    assert_eq!(values, expected.collect());
}

#[test]
fn all_that_cannot_be_read_is_told_at_once() {
    let mut world = World::new();
    world.environment.insert("EMPTY".to_owned(), String::new());
    world
        .write("empty", "")
        .write("latin1", b"h\xfcnter2")
        .write("large", vec![b'x'; 1024 * 1024 + 1])
        .write("data", "x");
    world.script("bin/fails", "echo hunter2; echo 'no such secret' >&2; echo 'try again' >&2; exit 3");
    world.script("bin/silent", "exit 1").script("bin/nothing", "true").script("bin/newline", "echo");
    world.script("bin/binary", "printf '\\377'").script("bin/crlf", "printf '\\r\\n'");
    assert!(Command::new("mkfifo").arg(world.path("pipe")).status().unwrap().success());
    let said = world
        .read(
            "  a:\n    data:\n      unset: {env: UNSET}\n      empty: {env: EMPTY}\n      missing: {file: missing}\n      directory: {file: bin}\n      \
             pipe: {file: pipe}\n      nothing: {file: empty}\n      latin1: {file: latin1}\n      large: {file: large}\n      \
             fails: {exec: [fails, hunter]}\n      silent: {exec: [silent]}\n      prints-nothing: {exec: [nothing]}\n      newline: {exec: [newline]}\n      \
             crlf: {exec: [crlf]}\n      binary: {exec: [binary]}\n      gone: {exec: [gone]}\n      not-here: {exec: [./gone]}\n      not-executable: {exec: [./data]}\n      \
             list: '${var.list}'\n      index: '${var.list[3]}'\n      sops: {sops: {file: enc.yaml}}\n",
        )
        .unwrap_err();
    assert!(!said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(said, @"
secret.a 8:14: the environment variable `UNSET` is not set (set it where hactl runs, as in `UNSET=… hactl plan`)
secret.a 9:14: the environment variable `EMPTY` is empty (set it where hactl runs, as in `EMPTY=… hactl plan`)
secret.a 10:16: cannot read the file `missing`: there is no such file (relative paths start at the config's directory; this one is DIR/missing)
secret.a 11:18: cannot read the file `bin`: it is a directory (relative paths start at the config's directory; this one is DIR/bin)
secret.a 12:13: cannot read the file `pipe`: it is no regular file (relative paths start at the config's directory; this one is DIR/pipe)
secret.a 13:16: the file `empty` is empty (put the value in it)
secret.a 14:15: the file `latin1` is not UTF-8 text: byte 1 is invalid (a secret is text; encode other data, with `base64` for example)
secret.a 15:14: the file `large` is larger than 1 MiB (a secret is a text of at most 1 MiB; a large file can be delivered with `files` and `source`)
secret.a 16:14: `fails` failed with exit status 3 [no such secret | try again] (run it by hand in the config's directory, with the same environment)
secret.a 17:15: `silent` failed with exit status 1 [It says nothing on standard error.] (run it by hand in the config's directory, with the same environment)
secret.a 18:23: `nothing` succeeds, but prints nothing (run it by hand in the config's directory: it has to print the value on standard output)
secret.a 19:16: `newline` succeeds, but prints nothing (run it by hand in the config's directory: it has to print the value on standard output)
secret.a 20:13: `crlf` succeeds, but prints nothing (run it by hand in the config's directory: it has to print the value on standard output)
secret.a 21:15: what `binary` prints is not UTF-8 text: byte 0 is invalid (a secret is text; encode other data, with `base64` for example)
secret.a 22:13: there is no program `gone` in PATH (install it, or write the path of the program; a shell's aliases and functions are none)
secret.a 23:17: there is no program `./gone` that can be run (a relative path starts at the config's directory; the file has to be executable)
secret.a 24:23: there is no program `./data` that can be run (a relative path starts at the config's directory; the file has to be executable)
secret.a 25:13: `list` yields a list, expected text (take one value out of it, or make it text with `jsonencode(…)`)
secret.a 26:14: a sensitive value cannot be computed; the reason is not shown, for it may hold the value (check that the secrets and variables it is made of have the form the expression expects)
secret.a 27:13: cannot read the SOPS file `enc.yaml`: there is no such file (relative paths start at the config's directory; this one is DIR/enc.yaml)
");
}

#[test]
fn a_file_that_may_not_be_read_is_told() {
    let world = World::new();
    world.write("key", "hunter2");
    std::fs::set_permissions(world.path("key"), std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(world.path("key")).is_ok() {
        return; // The superuser may read anything.
    }
    let said = world.read("  a: {data: {x: {file: key}}}\n").unwrap_err();
    assert!(said.contains("cannot read the file `key`: permission denied"), "{said}");
}

#[test]
fn at_most_eight_commands_run_at_one_time() {
    let world = World::new();
    world.write("running/.keep", "");
    world.script("bin/slow", "touch running/$$; ls running | wc -l >> counts; sleep 0.1; rm running/$$; echo done");
    let entries: String = (0..20).map(|number| format!("      e{number}: {{exec: [slow]}}\n")).collect();
    assert_eq!(world.values(&format!("  a:\n    data:\n{entries}")).len(), 20);
    let counts = std::fs::read_to_string(world.path("counts")).unwrap();
    let most = counts.lines().map(|count| count.trim().parse::<usize>().unwrap()).max();
    assert!(most <= Some(8) && most > Some(1), "{counts}");
}

/// A CA, and a certificate of it that is valid for so many days from so many days before or after now.
fn certificate(seed: u8, starts: i64, days: i64) -> (hactl_pki::Authority, hactl_pki::Certificate) {
    let mut entropy = Entropy::seeded([seed; 32]);
    let now: Timestamp = NOW.parse().unwrap();
    let spec = AuthoritySpec { common_name: format!("CA {seed}"), organisation: None, key_type: KeyType::EcdsaP256 };
    let begin = now - SignedDuration::from_hours(24 * 1000);
    let ca = authority(&spec, SignedDuration::from_hours(24 * 3650), None, None, begin, &mut entropy).unwrap();
    let issuer = Issuer::parse(ca.chain.as_bytes(), ca.private_key.expose().as_bytes()).unwrap();
    let spec = CertificateSpec { dns_names: vec!["web.example".to_owned()], ..CertificateSpec::default() };
    let start = now + SignedDuration::from_hours(24 * starts);
    let leaf = issue(&spec, SignedDuration::from_hours(24 * days), &issuer, start, &mut entropy).unwrap();
    (ca, leaf)
}

const IMPORT: &str = "  guide:\n    import:\n      certificate: {file: tls.crt}\n      privateKey: {file: tls.key}\n      ca: {file: cacerts.pem}\n";

fn import(world: &World, (ca, leaf): &(hactl_pki::Authority, hactl_pki::Certificate)) {
    world.write("tls.crt", format!("{}{}", leaf.certificate, ca.certificate));
    world.write("tls.key", leaf.private_key.expose()).write("cacerts.pem", &ca.certificate);
}

#[test]
fn an_import_yields_what_was_checked() {
    let world = World::new();
    let made = certificate(1, -10, 100);
    import(&world, &made);
    let read = world.read(IMPORT).unwrap();
    let names: Vec<&str> = read.values.keys().map(String::as_str).collect();
    assert_eq!(names, ["secret.guide.certificate", "secret.guide.chain", "secret.guide.privateKey"]);
    let value = |entry: &str| read.values[&format!("secret.guide.{entry}")].expose().as_str().unwrap().to_owned();
    assert_eq!(value("certificate").trim(), made.1.certificate.trim());
    assert_eq!(value("chain").matches("BEGIN CERTIFICATE").count(), 2);
    assert_eq!(&value("privateKey"), made.1.private_key.expose());
    assert_eq!(read.warnings, []);
    insta::assert_debug_snapshot!(read.certificates, @r#"
{
    secret.guide: ReadCertificate {
        not_before: 2026-05-22T11:55:00Z,
        not_after: 2026-08-30T12:00:00Z,
        subject: "",
        names: [
            "web.example",
        ],
    },
}
"#);
}

#[test]
fn an_import_that_ends_soon_is_warned_about() {
    let world = World::new();
    import(&world, &certificate(1, -10, 39));
    let config = world.config(IMPORT);
    let warnings = world.read(IMPORT).unwrap().warnings;
    insta::assert_snapshot!(show(&world, &config.sources, &warnings), @"secret.guide 8:20: the certificate ends on 2026-06-30 12:00:00 UTC, in 29 days (have it renewed and put the new one in its place: hactl renews only what it made itself)");
}

#[test]
fn wrong_imports_are_told_at_the_entry_they_are_about() {
    let mut all = String::new();
    let mut wrong = |what: &str, change: &dyn Fn(&World)| {
        let world = World::new();
        import(&world, &certificate(1, -10, 100));
        change(&world);
        all.push_str(&format!("{what}:\n{}", world.read(IMPORT).unwrap_err()));
    };
    let (other_ca, other) = certificate(2, -10, 100);
    wrong("expired", &|world| import(world, &certificate(1, -100, 99)));
    wrong("not yet valid", &|world| import(world, &certificate(1, 1, 99)));
    wrong("other key", &|world| {
        world.write("tls.key", other.private_key.expose());
    });
    wrong("wrong order", &|world| {
        let (ca, leaf) = certificate(1, -10, 100);
        world.write("tls.crt", format!("{}{}", ca.certificate, leaf.certificate));
    });
    wrong("other CA", &|world| {
        world.write("cacerts.pem", &other_ca.certificate);
    });
    wrong("exchanged", &|world| {
        let (ca, leaf) = certificate(1, -10, 100);
        world.write("tls.key", ca.certificate).write("tls.crt", leaf.private_key.expose());
    });
    wrong("not PEM, and no CA", &|world| {
        world.write("tls.key", "hunter2").write("cacerts.pem", &other.certificate);
    });
    assert!(!all.contains("hunter2"), "{all}");
    insta::assert_snapshot!(all, @"
expired:
secret.guide 8:20: the certificate `web.example` has expired on 2026-05-31 12:00:00 UTC (Have it renewed by its CA and give the new one.)
not yet valid:
secret.guide 8:20: the certificate `web.example` is not valid before 2026-06-02 11:55:00 UTC (Wait until then, or set the clock of this machine or of the CA, whichever is wrong.)
other key:
secret.guide 9:19: the private key (ECDSA P-256) does not belong to the certificate `web.example` (ECDSA P-256) (Give the key that its signing request was made with. Key and certificate belong together when `openssl pkey -in KEY -pubout` and `openssl x509 -in CERTIFICATE -pubkey -noout` print the same.)
wrong order:
secret.guide 8:20: the certificates are in the wrong order: the server's own comes first, then each issuer (The server's own is block 2 `web.example` (line 11). The right order is: block 2 `web.example` (line 11), then block 1 `CA 1` (line 1).)
other CA:
secret.guide 10:11: the CA `CA 2` did not sign the chain, which ends with `CA 1`, signed by `CN=CA 1` (Either intermediate certificates are missing behind the certificate, or this is the CA of something else.)
exchanged:
secret.guide 8:20: the certificate: the block at line 1 is a private key (Keep the key in a file of its own and name that as the private key: certificates are not held secret.)
secret.guide 9:19: the private key is missing: there is only CERTIFICATE (The certificate belongs into `certificate`, its private key here. Were they swapped?)
not PEM, and no CA:
secret.guide 9:19: the private key is not PEM: it has no line `-----BEGIN …-----` (Is it the right file?)
secret.guide 10:11: the CA: `web.example` (line 1) is not a CA, so it cannot vouch for another certificate (Give the certificate of the CA that issued yours; its basic constraints say `CA:TRUE`.)
secret.guide 10:11: the CA `web.example` did not sign the chain, which ends with `CA 1`, signed by `CN=CA 1` (Either intermediate certificates are missing behind the certificate, or this is the CA of something else.)
");
}

#[test]
fn an_import_is_not_judged_where_a_part_of_it_is_missing() {
    let world = World::new();
    import(&world, &certificate(1, -100, 99));
    std::fs::remove_file(world.path("tls.key")).unwrap();
    insta::assert_snapshot!(world.read(IMPORT).unwrap_err(), @"secret.guide 9:19: cannot read the file `tls.key`: there is no such file (relative paths start at the config's directory; this one is DIR/tls.key)");
}

/// A stand-in that speaks SOPS's command line, for what the real one says where it cannot be made to fail here.
const STAND_IN: &str = "\
[ \"$1\" = -d ] || exit 64; shift
if [ \"$1\" = --extract ]; then key=$2; shift 2; fi
case \"$key\" in
  '') echo 'db:'; echo '    password: hunter2';;
  '[\"db\"][\"password\"]') printf hunter2;;
  *) echo 'error: component [\"nope\"] not found' >&2; exit 91;;
esac
[ -e \"$1\" ] || exit 2
";

#[test]
fn a_stand_in_for_sops_is_spoken_to_as_sops() {
    let world = World::new();
    world.script("bin/sops", STAND_IN).write("secrets.enc.yaml", "db: ENC[…]");
    let values = world.values("  a: {data: {one: {sops: {file: secrets.enc.yaml, key: db.password}}, all: {sops: {file: secrets.enc.yaml}}}}\n");
    assert_eq!(values["secret.a.one"], "hunter2");
    assert_eq!(values["secret.a.all"], "db:\n    password: hunter2\n");
    let missing = world
        .read("  a: {data: {one: {sops: {file: secrets.enc.yaml, key: db.nope}}, two: {sops: {file: gone.yaml}}}}\n")
        .unwrap_err();
    world.script("bin/sops", "echo 'Failed to get the data key required to decrypt the SOPS file.' >&2; echo 'age1xyz: FAILED' >&2; exit 128");
    let failed = world.read("  a: {data: {one: {sops: {file: secrets.enc.yaml, key: db.password}}}}\n").unwrap_err();
    std::fs::remove_file(world.path("bin/sops")).unwrap();
    let mut bare = world;
    bare.environment.insert("PATH".to_owned(), bare.path("bin").display().to_string());
    let gone = bare.read("  a: {data: {one: {sops: {file: secrets.enc.yaml}}}}\n").unwrap_err();
    insta::assert_snapshot!(format!("{missing}{failed}{gone}"), @"
secret.a 6:19: the SOPS file `secrets.enc.yaml` has no value `db.nope` (look which keys it has: `sops -d secrets.enc.yaml`)
secret.a 6:72: cannot read the SOPS file `gone.yaml`: there is no such file (relative paths start at the config's directory; this one is DIR/gone.yaml)
secret.a 6:19: `sops` failed with exit status 128 on `secrets.enc.yaml` [Failed to get the data key required to decrypt the SOPS file. | age1xyz: FAILED] (run `sops -d` on it by hand; it needs one of the keys that the file is encrypted to, from SOPS_AGE_KEY_FILE, gpg or your cloud login)
secret.a 6:19: SOPS is not installed: there is no program `sops` in PATH (get it from https://github.com/getsops/sops/releases, or take the value from another source than `sops`)
");
}

/// The program of this name in this process's PATH; none where it is not installed, which fails in CI.
fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|place| place.join(program)).find(|file| file.is_file());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "{program} is not installed");
    found
}

fn run(program: &Path, home: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("GNUPGHOME", home).current_dir(home).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_real_sops_decrypts() {
    let (Some(sops), Some(gpg)) = (installed("sops"), installed("gpg")) else { return };
    let mut world = World::new();
    // The path of gpg's socket has to be short.
    let home = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    run(
        &gpg,
        home.path(),
        &["--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "ops@example.com", "rsa2048", "encr"],
    );
    let keys = run(&gpg, home.path(), &["--list-keys", "--with-colons"]);
    let fingerprint = keys.lines().find_map(|line| line.strip_prefix("fpr:")).unwrap().trim_matches(':');
    std::fs::write(home.path().join("plain.yaml"), "db:\n    password: hunter2\nusers:\n-   token: hunter3\n").unwrap();
    let encrypted = run(&sops, home.path(), &["-e", "--pgp", fingerprint, "plain.yaml"]);
    assert!(!encrypted.contains("hunter"), "{encrypted}");
    world.write("secrets.enc.yaml", encrypted);
    world.environment = std::env::vars().collect();
    world.environment.insert("GNUPGHOME".to_owned(), home.path().display().to_string());

    let values = world.values(
        "  a: {data: {one: {sops: {file: secrets.enc.yaml, key: db.password}}, two: {sops: {file: secrets.enc.yaml, key: 'users[0].token'}}, all: {sops: {file: secrets.enc.yaml}}}}\n",
    );
    assert_eq!((values["secret.a.one"].as_str(), values["secret.a.two"].as_str()), ("hunter2", "hunter3"));
    assert!(values["secret.a.all"].contains("password: hunter2"), "{values:?}");
    let missing = world.read("  a: {data: {one: {sops: {file: secrets.enc.yaml, key: db.nope}}}}\n").unwrap_err();
    assert!(missing.contains("the SOPS file `secrets.enc.yaml` has no value `db.nope`"), "{missing}");
    world.environment.insert("GNUPGHOME".to_owned(), world.directory.path().display().to_string());
    let failed = world.read("  a: {data: {one: {sops: {file: secrets.enc.yaml, key: db.password}}}}\n").unwrap_err();
    assert!(failed.contains("`sops` failed with exit status") && failed.contains("No secret key"), "{failed}");
    run(Path::new("gpgconf"), home.path(), &["--kill", "gpg-agent"]);
}

//! Several people with identities of their own, and one stack.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use hactl_core::Digest;
use serde_json::Value as Json;
use tempfile::TempDir;

/// A secret of each sort that needs no host.
pub(crate) const CONFIG: &str = r#"hactl: 1
name: team
variables: {token: {sensitive: true, default: one}}
secrets:
  ca: {generate: {certificateAuthority: {commonName: Team CA}}}
  tls: {generate: {certificate: {issuer: ca, dnsNames: [team.example.com]}}}
  password: {generate: {password: {}}}
  given: {data: {token: "${var.token}"}}
outputs:
  password: {value: "${secret.password.value}", sensitive: true}
"#;

/// A directory with a config, and beside it the home of everybody.
pub(crate) struct Team {
    directory: TempDir,
}

impl Team {
    pub(crate) fn new() -> Self {
        let team = Self { directory: tempfile::tempdir().unwrap() };
        fs::create_dir(team.file("")).unwrap();
        team.write(CONFIG);
        team
    }

    /// A team of which each of these has an identity.
    pub(crate) fn of(names: &[&str]) -> Self {
        let team = Self::new();
        for name in names {
            let told = team.run(name, "init");
            assert!(told.contains("Made your identity"), "{told}");
        }
        team
    }

    /// A path beside the config.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("stack").join(name)
    }

    pub(crate) fn home(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn identity(&self, name: &str) -> PathBuf {
        self.home(name).join(".config/hactl/identity.txt")
    }

    /// The public key of somebody's identity.
    pub(crate) fn public(&self, name: &str) -> String {
        let text = fs::read_to_string(self.identity(name)).unwrap();
        text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned()
    }

    pub(crate) fn write(&self, config: &str) {
        fs::write(self.file("hactl.yaml"), config).unwrap();
    }

    /// The config with these as recipients, and whatever else.
    pub(crate) fn recipients(&self, names: &[&str], more: &str) {
        let keys: Vec<String> = names.iter().map(|name| self.public(name)).collect();
        self.write(&format!("{CONFIG}encryption: {{recipients: [{}]}}\n{more}", keys.join(", ")));
    }

    /// A command as somebody would type it, in an environment that holds nothing but their home.
    pub(crate) fn command(&self, name: &str, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hactl"));
        command
            .args(words.split_whitespace())
            .current_dir(self.file(""))
            .env_clear()
            .env("HOME", self.home(name))
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command; what it prints on both outputs, and its exit code where that is not 0.
    pub(crate) fn run(&self, name: &str, words: &str) -> String {
        self.told(&mut self.command(name, words))
    }

    /// Runs a command with more in its environment.
    pub(crate) fn run_with(&self, name: &str, words: &str, variables: &[(&str, &str)]) -> String {
        self.told(self.command(name, words).envs(variables.iter().copied()))
    }

    /// Runs a command where not even a home is known.
    pub(crate) fn told_without_home(&self, words: &str) -> String {
        self.told(self.command("nobody", words).env_remove("HOME"))
    }

    /// Runs a command that has to succeed.
    pub(crate) fn succeed(&self, name: &str, words: &str) -> String {
        let told = self.run(name, words);
        assert!(!told.contains("[exit"), "{words}: {told}");
        told
    }

    /// What a command prints, without directories, keys and dates, which are others each time.
    fn told(&self, command: &mut Command) -> String {
        let path = self.directory.path().join("told");
        let file = File::create(&path).unwrap();
        let status = command.stdout(file.try_clone().unwrap()).stderr(file).status().unwrap();
        let mut text = fs::read_to_string(&path).unwrap();
        for name in ["alice", "bob", "eve"] {
            if self.identity(name).exists() {
                text = text.replace(&self.public(name), &name.to_uppercase());
            }
        }
        text = text.replace(&self.directory.path().canonicalize().unwrap().display().to_string(), "DIR");
        text = text.replace(&self.directory.path().display().to_string(), "DIR");
        // In the order of their keys, which are others each time.
        text = text.replace("`BOB`, `ALICE`", "`ALICE`, `BOB`").replace("BOB, ALICE", "ALICE, BOB");
        text = text.replace("  BOB\n  ALICE\n", "  ALICE\n  BOB\n");
        let mut kept: Vec<&str> = text.lines().collect();
        kept.retain(|line| !line.starts_with("  secret.") && *line != "Certificates:");
        let mut text = kept.join("\n").trim().replace("\n\n\n", "\n\n");
        if let Some(code) = status.code().filter(|code| *code != 0) {
            text.push_str(&format!("\n[exit {code}]"));
        }
        text
    }

    pub(crate) fn state_text(&self) -> String {
        fs::read_to_string(self.file("state/team.json")).unwrap()
    }

    pub(crate) fn state(&self) -> Json {
        serde_json::from_str(&self.state_text()).unwrap()
    }

    /// What is kept of one entry of a secret.
    pub(crate) fn entry(&self, secret: &str, entry: &str) -> Sealed {
        Sealed::of(&self.state()["resources"][format!("secret.{secret}")]["outputs"][entry])
    }

    /// Writes another state, with the checksum that belongs to it.
    pub(crate) fn tamper(&self, state: &str) {
        let mut lines: Vec<&str> = state.lines().collect();
        let (end, checksum) = (lines.pop().unwrap(), lines.pop().unwrap());
        assert!(checksum.contains("\"sha256\""), "{checksum}");
        let mut text = format!("{}\n", lines.join("\n"));
        let digest = Digest::sha256(text.as_bytes());
        text.push_str(&format!("  \"sha256\": \"{digest}\"\n{end}\n"));
        fs::write(self.file("state/team.json"), text).unwrap();
    }

    /// The value of one entry, for somebody who can read it.
    pub(crate) fn value(&self, name: &str, entry: &str) -> String {
        self.succeed(name, &format!("secret export {entry} --out exported --force"));
        fs::read_to_string(self.file("exported")).unwrap()
    }
}

/// What was printed after the changes of a plan.
pub(crate) fn after_plan(told: &str) -> &str {
    let at = told.find("Plan: ").unwrap_or_else(|| panic!("there is no plan in {told}"));
    &told[at..]
}

/// A value as a state holds it, as JSON has both in the text of the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sealed {
    pub(crate) digest: String,
    pub(crate) ciphertext: String,
}

impl Sealed {
    pub(crate) fn of(value: &Json) -> Self {
        let sealed = &value["$hactl"]["sealed"];
        let text = |key: &str| sealed[key].as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
        // A line end is two characters in the file.
        Self { digest: text("digest"), ciphertext: text("age").replace('\n', "\\n") }
    }
}

//! Specs and tools of the tests.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use hactl_pki::{
    Authority, AuthoritySpec, Certificate, CertificateSpec, Entropy, Issuer, KeyType, Mistake, authority, issue,
};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

/// The time of the tests: now, because OpenSSL has a clock of its own.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap()
}

pub(crate) fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

pub(crate) fn entropy(seed: u8) -> Entropy {
    Entropy::seeded([seed; 32])
}

pub(crate) fn ca_spec(name: &str) -> AuthoritySpec {
    AuthoritySpec {
        common_name: name.to_owned(),
        organisation: Some("Example".to_owned()),
        key_type: KeyType::EcdsaP256,
    }
}

pub(crate) fn root(name: &str, seed: u8) -> Authority {
    authority(&ca_spec(name), days(3650), None, None, now(), &mut entropy(seed)).unwrap()
}

pub(crate) fn issuer(authority: &Authority) -> Issuer {
    Issuer::parse(authority.chain.as_bytes(), authority.private_key.expose().as_bytes()).unwrap()
}

pub(crate) fn web_spec() -> CertificateSpec {
    CertificateSpec {
        common_name: Some("web".to_owned()),
        dns_names: vec!["web.example.com".to_owned(), "*.apps.example.com".to_owned()],
        ip_addresses: vec!["10.0.0.10".parse().unwrap(), "fd00::10".parse().unwrap()],
        ..CertificateSpec::default()
    }
}

pub(crate) fn leaf(issuer: &Issuer, seed: u8) -> Certificate {
    issue(&web_spec(), days(90), issuer, now(), &mut entropy(seed)).unwrap()
}

/// Mistakes as a snapshot has them.
pub(crate) fn show(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|mistake| format!("{}\n  {}\n", mistake.summary, mistake.help)).collect()
}

/// A directory with files, and programs that run in it.
pub(crate) struct Bench(TempDir);

impl Bench {
    /// Where one of the programs is missing there is none: the test is skipped, in CI it fails.
    pub(crate) fn with(programs: &[&str]) -> Option<Self> {
        let bench = Self::where_there_is(programs);
        assert!(bench.is_some() || std::env::var_os("CI").is_none(), "one of {programs:?} is not installed");
        bench
    }

    /// As [`Self::with`] for programs that CI does not have either.
    pub(crate) fn where_there_is(programs: &[&str]) -> Option<Self> {
        let is_missing = |program: &&&str| {
            Command::new(program).arg("-?").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
        };
        if let Some(program) = programs.iter().find(is_missing) {
            eprintln!("skipped: {program} is not installed");
            return None;
        }
        Some(Self(TempDir::new().unwrap()))
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = self.0.path().join(name);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(name)).unwrap()
    }

    /// Runs a program, its words separated by blanks, and gives whether it succeeded and what it printed.
    pub(crate) fn run(&self, command: &str) -> (bool, String) {
        let words: Vec<&str> = command.split(' ').collect();
        let output =
            Command::new(words[0]).args(&words[1..]).current_dir(self.0.path()).stdin(Stdio::null()).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), printed)
    }

    /// Runs a program that must succeed.
    pub(crate) fn ok(&self, command: &str) -> String {
        let (is_ok, printed) = self.run(command);
        assert!(is_ok, "{command}\n{printed}");
        printed
    }
}

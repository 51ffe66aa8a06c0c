//! Two applies at once on one machine: the lock lets one of them at a time in.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

const CONFIG: &str = r#"hactl: 1
name: alone
variables: {value: first}
secrets:
  given: {data: {value: "${var.value}"}}
"#;

struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        std::fs::write(machine.path("hactl.yaml"), CONFIG).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Starts an apply that changes something.
    fn start(&self, value: &str, more: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hactl"));
        command.args(["apply", "--auto-approve", "--var", &format!("value={value}")]).args(more);
        command.current_dir(self.0.path()).env_clear().env("HOME", self.0.path()).env("USER", "ops");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn serial(&self) -> u64 {
        let state: Json = serde_json::from_slice(&std::fs::read(self.path("state/alone.json")).unwrap()).unwrap();
        state["serial"].as_u64().unwrap()
    }

    /// Runs two applies at once; for each its process id and what it came to.
    fn both(&self, round: u64, more: &[&str]) -> [(u32, Output); 2] {
        let runs = ["one", "two"].map(|name| self.start(&format!("{name}-{round}"), more));
        runs.map(|run| (run.id(), run.wait_with_output().unwrap()))
    }
}

#[test]
fn of_two_at_once_one_goes_on_and_the_other_names_it() {
    let machine = Machine::new();
    assert!(machine.start("zero", &[]).wait_with_output().unwrap().status.success());
    let mut refused = 0;
    for round in 0..50 {
        let before = machine.serial();
        let runs = machine.both(round, &[]);
        let ended = [&runs[0], &runs[1]].map(|(_, output)| output.status.code());
        assert!(ended.contains(&Some(0)), "round {round}: {runs:?}");
        let succeeded = ended.iter().filter(|code| **code == Some(0)).count() as u64;
        assert_eq!(machine.serial(), before + succeeded, "round {round}: {runs:?}");
        for (place, (_, output)) in runs.iter().enumerate().filter(|(place, _)| ended[*place] != Some(0)) {
            let told = String::from_utf8_lossy(&output.stderr);
            let holder = "locked by hactl apply by ops@";
            let pid = format!("pid {}", runs[1 - place].0);
            assert!(output.status.code() == Some(1) && told.contains(holder) && told.contains(&pid), "{told}");
            refused += 1;
        }
        assert!(!machine.path("state/.alone.journal").exists());
    }
    assert!(refused > 0, "they never met");
}

#[test]
fn of_two_that_wait_both_go_on_one_after_the_other() {
    let machine = Machine::new();
    assert!(machine.start("zero", &[]).wait_with_output().unwrap().status.success());
    let mut waited = 0;
    for round in 0..50 {
        let before = machine.serial();
        for (_, output) in machine.both(round, &["--lock-timeout", "60s"]) {
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "round {round}: {told}");
            waited += usize::from(told.contains("Waiting for hactl apply by ops@"));
        }
        assert_eq!(machine.serial(), before + 2, "round {round}");
    }
    assert!(waited > 0, "they never met");
}

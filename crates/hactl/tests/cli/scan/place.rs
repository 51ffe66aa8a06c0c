//! A stack in a git repository with a secret of each source, and all that anybody could read of what its runs leave.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::scan::sampler::Sampler;
use crate::scan::scanner::Scanner;
use crate::scan::stack;

/// Where the log of every run goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Log {
    Stderr,
    File,
}

/// The sources outside of the config, each with the name of its value.
const SOURCES: [&str; 7] = ["env", "file", "exec", "sops", "token", "password", "objects"];

/// The work tree and, beside it, what only its user has: the sources, exported files, a home and a directory for
/// temporary files.
pub(crate) struct Place {
    directory: TempDir,
    log: Log,
    variables: BTreeMap<String, String>,
    scanner: Scanner,
    /// What every run printed, by its words and the stream.
    told: Vec<(String, Vec<u8>)>,
    sampler: Sampler,
    exports: usize,
}

impl Place {
    pub(crate) fn new(log: Log) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut place = Self {
            directory,
            log,
            variables: BTreeMap::new(),
            scanner: Scanner::default(),
            told: Vec::new(),
            sampler: Sampler::start(),
            exports: 0,
        };
        for name in ["tree/mistakes", "outside/bin", "home", "tmp"] {
            std::fs::create_dir_all(place.path(name)).unwrap();
        }
        place.mend_commands();
        place.write("tree/secrets.enc.json", "{\"db\": {\"password\": \"ENC[AES256_GCM,data:aGk=]\"}}\n");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", place.path("outside/bin").display());
        for (name, value) in [
            ("PATH", path),
            ("HOME", place.path("home").display().to_string()),
            ("TMPDIR", place.path("tmp").display().to_string()),
            ("USER", "ops".to_owned()),
            ("RUST_BACKTRACE", "1".to_owned()),
            ("HACTL_SANDBOX_CLOCK", "virtual".to_owned()),
            ("HACTL_LOG", "trace".to_owned()),
        ] {
            place.set(name, &value);
        }
        if log == Log::File {
            place.set("HACTL_LOG_FILE", "hactl.log");
        }
        place.git(&["init", "-q"]);
        place
    }

    pub(crate) fn path(&self, of: &str) -> PathBuf {
        self.directory.path().join(of)
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).unwrap();
    }

    /// Sets an environment variable of the runs that follow.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// An environment variable of the runs.
    pub(crate) fn variable(&self, name: &str) -> String {
        self.variables[name].clone()
    }

    /// Commands bring the values that lie beside them: one of its own, and a stand-in for SOPS, whose command line it speaks.
    pub(crate) fn mend_commands(&self) {
        // The first run lasts long enough for the sampler to see it.
        let read = "[ -e once ] || sleep 0.2; touch once; cat ../exec";
        self.script("read-secret", &format!("cd \"$(dirname \"$0\")\"; {read}"));
        let printed = "[ \"$1 $2 $3\" = '-d --extract [\"db\"][\"password\"]' ] && cat \"$(dirname \"$0\")/../sops\"";
        self.script("sops", printed);
    }

    /// Commands print their values and fail then.
    pub(crate) fn fail_commands(&self) {
        for (name, file) in [("read-secret", "exec"), ("sops", "sops")] {
            self.script(name, &format!("cat \"$(dirname \"$0\")/../{file}\"; exit 3"));
        }
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.path("outside/bin").join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// Looks for a value in all that there was and will be.
    pub(crate) fn hide(&mut self, name: &str, value: &str) {
        self.scanner.add(name, value);
    }

    /// A distinctive value with characters that every encoding treats differently, to be looked for; the heart of it by
    /// itself as well, which is the same in most.
    pub(crate) fn value(&mut self, name: &str) -> String {
        let heart = format!("Zq7{name}nUmber4Kx{}", self.scanner.len());
        let value = format!("{name}+/{heart}\"\\?ü%é>~");
        self.hide(name, &value);
        self.hide(&format!("the heart of {name}"), &heart);
        value
    }

    /// Gives the sources values that they did not have before.
    pub(crate) fn change_sources(&mut self) {
        for name in SOURCES {
            let value = self.value(name);
            match name {
                "env" => self.set("SCAN_ENV", &value),
                "token" => self.set("HACTL_VAR_token", &value),
                "password" => {
                    let text = format!("{{\"password\": {}}}", serde_json::to_string(&value).unwrap());
                    self.write("outside/variables.yaml", &text);
                }
                "objects" => {
                    let text = serde_json::to_string(&self.value("texts")).unwrap();
                    self.write("outside/objects.yaml", &stack::objects(&STANDARD.encode(&value), &text));
                }
                _ => self.write(&format!("outside/{name}"), &value),
            }
        }
    }

    /// A command on the config in a file of the work tree, in the sandbox.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_hactl")));
        command.args(words);
        if !words.contains(&"-f") {
            command.args(["-f", ".", "--var-file", "../outside/variables.yaml"]);
        }
        if words[0] != "sandbox" {
            command.arg("--sandbox");
        }
        command.current_dir(self.path("tree")).env_clear().envs(&self.variables).stdin(Stdio::null());
        command
    }

    /// Runs a command, its words between spaces; keeps what it printed, and in git what it left.
    pub(crate) fn run(&mut self, words: &str) -> Output {
        let output = self.run_apart(words);
        if !READS.iter().any(|reads| words.starts_with(reads)) {
            self.commit(words);
        }
        output
    }

    /// As [`Self::run`], without a commit.
    pub(crate) fn run_apart(&mut self, words: &str) -> Output {
        let split: Vec<&str> = words.split(' ').collect();
        let output = self.command(&split).output().unwrap();
        self.keep(words, &output);
        output
    }

    /// As [`Self::run`], where no file may grow beyond so many blocks of 512 bytes, as on a disk that is full.
    pub(crate) fn run_on_a_full_disk(&mut self, words: &str, blocks: u32) -> Output {
        let split: Vec<&str> = words.split(' ').collect();
        let inner = self.command(&split);
        let output = Command::new("/bin/sh")
            .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")])
            .arg(inner.get_program())
            .args(inner.get_args())
            .current_dir(self.path("tree"))
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        self.keep(words, &output);
        self.commit(words);
        output
    }

    fn keep(&mut self, words: &str, output: &Output) {
        // What the hosts hold is what the fleet's file holds.
        if words != SHOW_HOSTS {
            self.told.push((format!("`{words}`, stdout"), output.stdout.clone()));
        }
        self.told.push((format!("`{words}`, stderr"), output.stderr.clone()));
    }

    /// Adds to git what a run left, what git ignores too.
    fn commit(&self, words: &str) {
        self.git(&[
            "add",
            "-A",
            "--force",
            "--",
            ".",
            ":!*/fleet*",
            ":!*/identity.txt",
            ":!inline.yaml",
            ":!*/inline.yaml",
        ]);
        self.git(&[
            "-c",
            "user.name=ops",
            "-c",
            "user.email=ops@example.com",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            words,
        ]);
    }

    /// Runs a command that has to end with this exit code.
    pub(crate) fn expect(&mut self, code: i32, words: &str) -> Output {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(code), "{words}\n{}", text(&output));
        output
    }

    fn git(&self, words: &[&str]) {
        let output = Command::new("git").args(words).current_dir(self.path("tree")).output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
    }

    /// Runs a command whose standard output is a value, and which has to say so.
    pub(crate) fn reveal(&mut self, output_name: &str) -> String {
        let words = ["output", "--raw", "--reveal", output_name];
        let output = self.command(&words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let told = String::from_utf8(output.stderr.clone()).unwrap();
        assert!(told.contains(&format!("The output {output_name} is sensitive; this is its value.")), "{told}");
        self.told.push((format!("`{}`, stderr", words.join(" ")), output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Learns the entries of what was generated or imported, to look for them.
    pub(crate) fn export(&mut self, secret: &str, entries: &[&str]) {
        for entry in entries {
            self.exports += 1;
            let file = format!("outside/export-{}", self.exports);
            self.expect(0, &format!("secret export {secret}.{entry} --out ../{file}"));
            let mode = self.path(&file).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{secret}.{entry}");
            let value = std::fs::read_to_string(self.path(&file)).unwrap();
            self.hide(&format!("{secret}.{entry}"), &value);
        }
    }

    /// Keeps what of the containers on the hosts anybody there can read; what files and environments were made of
    /// secrets is looked for from now on, and so are their digests.
    pub(crate) fn look_at_hosts(&mut self) {
        let fleet: serde_json::Value = serde_json::from_slice(&self.expect(0, SHOW_HOSTS).stdout).unwrap();
        let mut public = String::new();
        for (_, host) in fleet["hosts"].as_object().unwrap() {
            for (path, file) in host["files"].as_object().unwrap() {
                self.hide(&format!("all of {path}"), file["text"].as_str().unwrap());
            }
            for (name, container) in host["containers"].as_object().unwrap() {
                let mut config = container["config"].clone();
                let environment = config.as_object_mut().unwrap().remove("env").unwrap();
                for (variable, value) in environment.as_object().unwrap() {
                    self.hide(&format!("all of {variable}"), value.as_str().unwrap());
                }
                writeln!(public, "{name} {config}").unwrap();
            }
        }
        assert!(public.contains("io.hactl.address"), "no container is there: {public}");
        self.told.push(("what anybody on the hosts can read of containers".to_owned(), public.into_bytes()));
        let mut listed = String::new();
        for (name, view) in fleet["cluster"]["objects"].as_object().unwrap() {
            let object = &view["object"];
            writeln!(listed, "{name} {} {}", object["metadata"], object["status"]).unwrap();
            for (key, value) in object["data"].as_object().into_iter().flatten() {
                let value = STANDARD.decode(value.as_str().unwrap()).unwrap();
                // What somebody set by hand is short, and no secret.
                if value.len() > 16 {
                    self.hide(&format!("{key} of {name}"), std::str::from_utf8(&value).unwrap());
                }
            }
        }
        assert!(listed.contains("hactl.io/address") && listed.contains("Secret/scan/delivered"), "{listed}");
        self.told.push(("what anybody is shown who may list objects".to_owned(), listed.into_bytes()));
    }

    /// Ends the story, and tells every place in which a value occurred; none where all is well.
    pub(crate) fn leaks(mut self) -> String {
        let identities = self.directory.path().join("tree/.hactl/sandbox/scan/identity.txt");
        let identities = std::fs::read_to_string(identities).unwrap();
        let identity = identities.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap();
        self.hide("the identity", identity);

        let logged = self.logged();
        let parts = ["step failed", "TRACE hactl_state::journal: intent address=", "exit_code=1"];
        assert!(parts.iter().all(|part| logged.contains(part)), "there is no trace:\n{logged}");
        let lines = self.sampler.end();
        let ran = |words: &[u8]| lines.iter().any(|line| line.windows(words.len()).any(|window| window == words));
        assert!(ran(b"read-secret") && ran(b"hactl\0apply"), "the sampler saw {} command lines", lines.len());
        self.told.extend(lines.into_iter().map(|line| (format!("argv {}", String::from_utf8_lossy(&line)), line)));

        let path = |of: &str| self.directory.path().join(of);
        let mut leaks: Vec<String> = Vec::new();
        for (place, bytes) in &self.told {
            leaks.extend(self.scanner.scan(bytes).into_iter().map(|name| format!("{place}: {name}")));
        }
        let excepted = |path: &Path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("fleet") || name == "identity.txt" || name == "inline.yaml"
        };
        leaks.extend(self.scanner.scan_files(&path("tree"), &excepted));
        leaks.extend(self.scanner.scan_git(&path("tree")));
        leaks.extend(self.scanner.scan_files(&path("home"), &|_| false));
        leaks.extend(std::fs::read_dir(path("tmp")).unwrap().map(|entry| format!("left behind: {entry:?}")));
        leaks.into_iter().fold(String::new(), |mut text, leak| {
            writeln!(text, "{leak}").unwrap();
            text
        })
    }

    /// All that was logged so far, among other things.
    fn logged(&self) -> String {
        match self.log {
            Log::File => std::fs::read_to_string(self.path("tree/hactl.log")).unwrap(),
            Log::Stderr => self.told.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect(),
        }
    }
}

/// What leaves nothing but, where it is written to a file, the log.
const READS: [&str; 7] = ["validate", "graph", "show", "state list", "state show", "output", "secret export"];

/// Prints all that the hosts hold.
const SHOW_HOSTS: &str = "sandbox show --json";

/// What a command printed, to be read by a person.
pub(crate) fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

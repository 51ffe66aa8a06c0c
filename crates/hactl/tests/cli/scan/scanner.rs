//! Looks for values in bytes, in every form in which one could have got there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hactl_core::Digest;

/// So many bytes of a form decide whether the rest is compared. No form is shorter.
const START: usize = 8;
/// The shortest line of a value that is looked for by itself.
const SHORTEST_LINE: usize = 16;

/// The values that must not be found.
#[derive(Default)]
pub(crate) struct Scanner {
    /// What is looked for, by its first bytes: which value in which form, and its bytes.
    forms: BTreeMap<[u8; START], Vec<(String, Vec<u8>)>>,
    /// Which pairs of bytes begin a form.
    pairs: BTreeSet<[u8; 2]>,
}

impl Scanner {
    /// Looks for a value under this name from now on: for the whole of it, and for each of its lines.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        assert!(value.len() >= SHORTEST_LINE, "{name} is too short to be told from anything else");
        let lines =
            value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE && !line.starts_with("-----"));
        for part in [value, value.trim()].into_iter().chain(lines) {
            for (form, bytes) in forms(part) {
                let known = self.forms.entry(start(&bytes)).or_default();
                if known.iter().all(|(_, known)| *known != bytes) {
                    self.pairs.insert([bytes[0], bytes[1]]);
                    known.push((format!("{name}, {form}"), bytes));
                }
            }
        }
    }

    /// How many forms are looked for.
    pub(crate) fn len(&self) -> usize {
        self.forms.values().map(Vec::len).sum()
    }

    /// Which values occur in some bytes, and in which form.
    pub(crate) fn scan(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let mut begins = vec![false; 1 << 16];
        for pair in &self.pairs {
            begins[usize::from(u16::from_be_bytes(*pair))] = true;
        }
        let mut found = BTreeSet::new();
        for (place, window) in bytes.windows(START).enumerate() {
            if !begins[usize::from(u16::from_be_bytes([window[0], window[1]]))] {
                continue;
            }
            for (name, form) in self.forms.get(window).into_iter().flatten() {
                if bytes[place..].starts_with(form) {
                    found.insert(name.as_str());
                }
            }
        }
        found
    }

    /// What occurs in the files below a directory and in their names, one line each; `excepted` says which files hold
    /// what hosts hold.
    pub(crate) fn scan_files(&self, directory: &Path, excepted: &dyn Fn(&Path) -> bool) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let told = |name: &str| format!("{}: {name}", path.display());
            found.extend(self.scan(path.to_string_lossy().as_bytes()).into_iter().map(told));
            let kind = path.symlink_metadata().unwrap().file_type();
            if kind.is_dir() {
                found.extend(self.scan_files(&path, excepted));
            } else if kind.is_file() && !excepted(&path) {
                found.extend(self.scan(&std::fs::read(&path).unwrap()).into_iter().map(told));
            }
        }
        found
    }

    /// What occurs in the objects of a git repository: contents, names and messages of everything ever added.
    pub(crate) fn scan_git(&self, repository: &Path) -> Vec<String> {
        let objects = Command::new("git")
            .args(["cat-file", "--batch-all-objects", "--batch"])
            .current_dir(repository)
            .output()
            .unwrap();
        assert!(objects.status.success() && !objects.stdout.is_empty(), "{objects:?}");
        self.scan(&objects.stdout).into_iter().map(|name| format!("a git object: {name}")).collect()
    }
}

fn start(bytes: &[u8]) -> [u8; START] {
    bytes[..START].try_into().unwrap()
}

/// The forms of a value, each with its name.
fn forms(value: &str) -> Vec<(String, Vec<u8>)> {
    let bytes = value.as_bytes();
    let named = |name: &str, form: String| (name.to_owned(), form.into_bytes());
    let numbers = |between: &str| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(between);
    let json = serde_json::to_string(value).unwrap();
    let digest = Digest::sha256(bytes).into_bytes();
    let mut forms = vec![
        named("as it is", value.to_owned()),
        named("in hexadecimal digits", hexadecimal(bytes)),
        named("in hexadecimal digits in capitals", hexadecimal(bytes).to_uppercase()),
        named("URL-encoded", percent_encoded(bytes, true)),
        named("URL-encoded in small letters", percent_encoded(bytes, false)),
        named("JSON-escaped", json[1..json.len() - 1].to_owned()),
        named("JSON-escaped in ASCII", in_ascii(&json[1..json.len() - 1])),
        named("debug-printed", value.escape_debug().to_string()),
        named("as a list of numbers", numbers(", ")),
        named("as a JSON list of numbers", numbers(",")),
        named("as its bare digest", hexadecimal(&digest)),
        named("as its bare digest in base64", STANDARD_NO_PAD.encode(digest)),
    ];
    for offset in 0..3 {
        forms.push(named(&format!("in base64 at offset {offset}"), base64_at(offset, bytes, &STANDARD_NO_PAD)));
        forms.push(named(&format!("in base64url at offset {offset}"), base64_at(offset, bytes, &URL_SAFE_NO_PAD)));
    }
    forms
}

fn in_ascii(json: &str) -> String {
    json.chars().fold(String::new(), |mut text, character| {
        if character.is_ascii() {
            text.push(character);
        } else {
            character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| write!(text, "\\u{unit:04x}").unwrap());
        }
        text
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percent_encoded(bytes: &[u8], capitals: bool) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        match (byte, capitals) {
            (b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~', _) => text.push(char::from(*byte)),
            (_, true) => write!(text, "%{byte:02X}").unwrap(),
            (_, false) => write!(text, "%{byte:02x}").unwrap(),
        }
        text
    })
}

/// What of the base64 of a longer text depends on these bytes alone, where they begin so many bytes into a group of three.
fn base64_at(offset: usize, bytes: &[u8], engine: &impl Engine) -> String {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(bytes);
    let text = engine.encode(&padded);
    text[(offset * 8).div_ceil(6)..padded.len() * 8 / 6].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "päss+/word\"\\\n<Zq7nUmber4Kx>\u{1F511}??>>";

    fn scanner() -> Scanner {
        let mut scanner = Scanner::default();
        scanner.add("value", VALUE);
        scanner
    }

    fn found(text: &str) -> bool {
        !scanner().scan(text.as_bytes()).is_empty()
    }

    #[test]
    fn a_value_is_found_however_it_is_encoded() {
        let bytes = VALUE.as_bytes();
        for offset in 0..7 {
            let around = |text: &str| format!("{}{text}more", "x".repeat(offset));
            let inside = around(VALUE);
            for encoded in [
                inside.clone(),
                base64::engine::general_purpose::STANDARD.encode(&inside),
                base64::engine::general_purpose::URL_SAFE.encode(&inside),
                STANDARD_NO_PAD.encode(&inside),
                around(&hexadecimal(bytes)),
                around(&hexadecimal(bytes).to_uppercase()),
                percent_encoded(inside.as_bytes(), true),
                percent_encoded(inside.as_bytes(), false),
                serde_json::to_string(&inside).unwrap(),
                format!("{inside:?}"),
                format!("{:?}", inside.as_bytes()),
                serde_json::to_string(inside.as_bytes()).unwrap(),
                around(&Digest::sha256(bytes).to_string()),
                STANDARD_NO_PAD.encode(Digest::sha256(bytes).into_bytes()),
            ] {
                assert!(found(&encoded), "not found: {encoded}");
            }
        }
    }

    #[test]
    fn one_line_of_a_value_is_found() {
        assert!(found("<Zq7nUmber4Kx>\u{1F511}??>>"));
        assert!(found(&format!("[{}]", STANDARD_NO_PAD.encode("12<Zq7nUmber4Kx>\u{1F511}??>>"))));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let half = STANDARD_NO_PAD.encode(&VALUE.as_bytes()[..12]);
        for clean in ["", "pass", "(sensitive)", "another text of some length", &half] {
            assert!(!found(clean), "{clean}");
        }
    }

    #[test]
    fn files_their_names_and_git_objects_are_looked_through() {
        let directory = tempfile::tempdir().unwrap();
        let git = |words: &[&str]| {
            let output = Command::new("git").args(words).current_dir(directory.path()).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        let name = "Zq7nUmber4Kx-name";
        let mut scanner = scanner();
        scanner.add("name", name);
        git(&["init", "-q"]);
        std::fs::create_dir(directory.path().join("deep")).unwrap();
        std::fs::write(directory.path().join("deep/file"), VALUE).unwrap();
        std::fs::write(directory.path().join(name), "").unwrap();
        git(&["add", "-A"]);
        git(&["-c", "user.name=ops", "-c", "user.email=ops@example.com", "commit", "-q", "-m", "a file"]);
        let found = |excepted: &dyn Fn(&Path) -> bool| scanner.scan_files(directory.path(), excepted).join("\n");
        let all = found(&|_| false);
        assert!(
            all.contains("deep/file: value, as it is") && all.contains("Zq7nUmber4Kx-name: name, as it is"),
            "{all}"
        );
        let but_one = found(&|path| path.ends_with("deep/file"));
        assert!(!but_one.contains("value") && but_one.contains("Zq7nUmber4Kx-name: name"), "{but_one}");
        std::fs::write(directory.path().join("deep/file"), "").unwrap();
        let found = scanner.scan_git(directory.path());
        assert_eq!(found, ["a git object: name, as it is", "a git object: value, as it is"]);
    }
}

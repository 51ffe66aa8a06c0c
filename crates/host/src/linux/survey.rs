//! What a host answers to a survey.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use hactl_core::{Address, Digest};

use crate::file::{FileStat, normal_mode, normal_path};
use crate::linux::shell::{Output, Script};
use crate::{BlockWrite, Facts, ForeignClaim, HostError, Inventory, InventoryEntry, Survey, SurveyRequest};

/// What the script says.
pub(crate) const SCRIPT: Script =
    Script { name: "survey", text: concat!(include_str!("scripts/prelude.sh"), include_str!("scripts/survey.sh")) };
/// The script that reads small files.
pub(crate) const TEXTS: Script =
    Script { name: "texts", text: concat!(include_str!("scripts/prelude.sh"), include_str!("scripts/texts.sh")) };

/// The input of the survey script: where inventories are, the lineage, and paths.
pub(crate) fn input(root: &str, request: &SurveyRequest) -> Vec<u8> {
    let texts = request.texts.iter().filter_map(|path| normal_path(path).ok());
    let paths = request.files.iter().filter_map(|file| normal_path(&file.path).ok());
    // One byte more shows which are larger.
    let most = (BlockWrite::MAX_TEXT + 1).to_string();
    let mut lines: Vec<String> = vec![root.to_owned(), request.lineage.clone(), most];
    lines.extend(texts);
    lines.push(String::new());
    lines.extend(paths);
    (lines.join("\n") + "\n").into_bytes()
}

/// What a script printed, after its status line `ok`.
///
/// # Errors
/// What the script complains of, as an error of the host.
pub(crate) fn body(output: &Output) -> Result<&str, HostError> {
    let text = std::str::from_utf8(&output.stdout).unwrap_or_default();
    match text.split_once('\n') {
        Some(("ok", rest)) => Ok(rest),
        _ => Err(HostError::Unreachable {
            reason: match (output.code, output.stderr.lines().last()) {
                (_, Some(line)) => format!("its shell fails: {line}"),
                (Some(code), None) => format!("its shell ends with code {code}"),
                (None, None) => "its shell was killed".to_owned(),
            },
        }),
    }
}

/// The inventories of all stacks in an answer to a survey in which nothing was asked for, by lineage.
pub(crate) fn inventories(text: &str) -> BTreeMap<String, Inventory> {
    let mut inventories = BTreeMap::new();
    for block in text.split("\nlineage ").skip(1) {
        let lineage = block.lines().next().unwrap_or_default();
        let request = SurveyRequest { lineage: lineage.to_owned(), ..SurveyRequest::default() };
        let text = format!("lineage {block}");
        let read = read(&text, &request, Duration::ZERO, Duration::ZERO).ok();
        inventories.extend(read.and_then(|survey| Some((lineage.to_owned(), survey.inventory?))));
    }
    inventories
}

/// One thing in an answer at a time.
struct Reader<'a> {
    survey: Survey,
    request: &'a SurveyRequest,
    /// The files and texts asked for, by normal path.
    asked: BTreeMap<String, Vec<&'a str>>,
    lineage: &'a str,
    inventory: Inventory,
    address: Option<Address>,
    stats: BTreeMap<&'a str, FileStat>,
    denied: Option<&'a str>,
    too_large: Option<&'a str>,
}

/// Reads an answer. `asked` and `answered` are this machine's clock before and after, since the Unix epoch.
///
/// # Errors
/// [`HostError::File`] when the user may not read one of the files, or a text is too large.
pub(crate) fn read<'a>(
    text: &'a str,
    request: &'a SurveyRequest,
    asked: Duration,
    answered: Duration,
) -> Result<Survey, HostError> {
    let mut paths: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for asked in request.files.iter().map(|file| &file.path).chain(&request.texts) {
        if let Ok(path) = normal_path(asked) {
            paths.entry(path).or_default().push(asked);
        }
    }
    let mut reader = Reader {
        survey: Survey::default(),
        request,
        asked: paths,
        lineage: "",
        inventory: Inventory::default(),
        address: None,
        stats: BTreeMap::new(),
        denied: None,
        too_large: None,
    };
    let middle = (asked + answered) / 2;
    for line in text.lines() {
        if let Some((word, rest)) = line.split_once(' ') {
            reader.take(word, rest, middle);
        } else if line == "original" {
            reader.entry(|entry| entry.original = true);
        }
    }
    reader.finish()
}

impl<'a> Reader<'a> {
    fn take(&mut self, word: &str, rest: &'a str, middle: Duration) {
        match word {
            "fact" => {
                if let Some((name, value)) = rest.split_once(' ') {
                    fact(&mut self.survey.facts, name, value, middle);
                }
            }
            "lineage" => {
                self.close_inventory();
                self.lineage = rest;
            }
            "stack" => self.inventory.stack = rest.to_owned(),
            "serial" => self.inventory.serial = rest.parse().unwrap_or_default(),
            "address" => {
                self.address = Address::parse(rest).ok();
                self.entry(|_| ());
            }
            "path" => self.entry(|entry| entry.path = Some(rest.to_owned())),
            "directory" => self.entry(|entry| entry.directories.push(rest.to_owned())),
            "file" => {
                if let Some((path, stat)) = stat(rest) {
                    self.stats.insert(path, stat);
                }
            }
            "block" => self.entry(|entry| entry.block = Some(rest.to_owned())),
            "label" => {
                let label = Address::parse(rest);
                self.entry(|entry| entry.labels.extend(label));
            }
            "whole" => self.whole(rest),
            "sum" => self.sum(rest),
            "denied" => self.denied = Some(rest),
            _ => {}
        }
    }

    fn entry(&mut self, change: impl FnOnce(&mut InventoryEntry)) {
        if let Some(address) = &self.address {
            change(self.inventory.entries.entry(address.clone()).or_default());
        }
    }

    fn close_inventory(&mut self) {
        let inventory = std::mem::take(&mut self.inventory);
        self.address = None;
        if self.lineage.is_empty() {
        } else if self.lineage == self.request.lineage {
            self.survey.inventory = Some(inventory);
        } else {
            for (address, entry) in inventory.entries {
                let asked = entry.path.and_then(|path| self.asked.get(&path));
                for path in asked.into_iter().flatten() {
                    self.survey.foreign.push(ForeignClaim {
                        path: (*path).to_owned(),
                        stack: inventory.stack.clone(),
                        address: address.clone(),
                    });
                }
            }
        }
    }

    /// `BASE64 PATH`.
    fn whole(&mut self, rest: &'a str) {
        let Some((base64, path)) = rest.split_once(' ') else { return };
        let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap_or_default();
        if bytes.len() > BlockWrite::MAX_TEXT {
            self.too_large = Some(path);
            return;
        }
        for asked in self.asked.get(path).into_iter().flatten() {
            self.survey.texts.insert((*asked).to_owned(), bytes.clone());
        }
    }

    /// `SHA256  PATH`, as sha256sum prints it: names with backslashes are marked by one at the beginning.
    fn sum(&mut self, rest: &'a str) {
        let Some((sum, name)) = rest.split_once("  ") else { return };
        let unescaped = sum.strip_prefix('\\').map(|_| name.replace("\\\\", "\\"));
        let path = unescaped.as_deref().unwrap_or(name);
        if let (Some(mut stat), Some(sha256)) = (self.stats.remove(path), Digest::parse(sum.trim_start_matches('\\'))) {
            stat.sha256 = sha256;
            for asked in self.asked.get(path).into_iter().flatten() {
                self.survey.files.insert((*asked).to_owned(), stat.clone());
            }
        }
    }

    fn finish(mut self) -> Result<Survey, HostError> {
        const DENIED: &str = "permission denied: log in as root, or as a user who may use sudo without a password";
        self.close_inventory();
        let denied = self.denied.map(|path| (path, DENIED));
        match denied.or_else(|| Some((self.too_large?, BlockWrite::TOO_LARGE))) {
            Some((path, reason)) => {
                Err(HostError::File { operation: "read", path: path.to_owned(), reason: reason.to_owned() })
            }
            None => Ok(self.survey),
        }
    }
}

/// Of two files of one path, those whose digest is not the expected one are fetched as text.
pub(crate) fn wanted_texts<'a>(request: &'a SurveyRequest, survey: &Survey) -> Vec<&'a str> {
    let differs = |file: &&crate::FileRequest| {
        survey.files.get(&file.path).is_some_and(|stat| file.fetch_unless.is_some_and(|known| known != stat.sha256))
    };
    request.files.iter().filter(differs).map(|file| file.path.as_str()).collect()
}

fn fact(facts: &mut Facts, name: &str, value: &str, middle: Duration) {
    match name {
        "clock" => {
            let ours = i64::try_from(middle.as_secs()).unwrap_or(i64::MAX);
            facts.clock_offset = value.parse::<i64>().map_or(0, |theirs| theirs - ours);
        }
        "os" => facts.os = value.to_owned(),
        "system" => {
            if let Some((kernel, machine)) = value.rsplit_once(' ') {
                (facts.kernel, facts.architecture) = (kernel.to_owned(), machine.to_owned());
            }
        }
        "hostname" => facts.hostname = value.to_owned(),
        "machineId" => facts.machine_id = value.to_owned(),
        "cpus" => facts.cpus = value.parse().unwrap_or_default(),
        "memory" => facts.memory = kibibytes(value),
        "disk" => facts.disk_free = free_space(value),
        _ => {}
    }
}

/// The free space in bytes, from a line of `df -Pk`.
pub(crate) fn free_space(line: &str) -> u64 {
    kibibytes(line.split_whitespace().nth(3).unwrap_or_default())
}

fn kibibytes(text: &str) -> u64 {
    text.parse::<u64>().map_or(0, |kibibytes| kibibytes * 1024)
}

/// `MODE BITS OWNER UID GROUP GID PATH`; the digest is still to come.
fn stat(rest: &str) -> Option<(&str, FileStat)> {
    let mut words = rest.splitn(7, ' ');
    let _mode = words.next()?;
    let mode = normal_mode(words.next()?)?;
    let mut named = || {
        let (name, number) = (words.next()?, words.next()?);
        Some((if name == "UNKNOWN" { number } else { name }.to_owned(), number.parse().ok()))
    };
    let ((owner, owner_number), (group, group_number)) = (named()?, named()?);
    let sha256 = Digest::sha256(b"");
    Some((words.next()?, FileStat { sha256, mode, owner, group, owner_number, group_number, text: None }))
}

/// This machine's clock, since the Unix epoch.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Reads what the script [`TEXTS`] printed; what is larger than the limit or no text stays out.
pub(crate) fn read_texts(text: &str, survey: &mut Survey) {
    for line in text.lines() {
        let Some((base64, path)) = line.strip_prefix("text ").and_then(|rest| rest.split_once(' ')) else { continue };
        let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap_or_default();
        if let Some(stat) = survey.files.get_mut(path)
            && bytes.len() <= FileStat::MAX_TEXT
            && Digest::sha256(&bytes) == stat.sha256
        {
            stat.text = String::from_utf8(bytes).ok();
        }
    }
}

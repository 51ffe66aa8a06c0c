//! `hosts`: the second half of `hostAliases`, a marked block in a host's own `/etc/hosts`.
//!
//! Its spec is `{entries: [{ip, hostnames: […]}]}`, a line of the block for each entry.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use hactl_core::Address;
use hactl_core::diagnostic::Diagnostic;
use hactl_core::observed::{Foreign, Observed, Present};
use hactl_core::plan::Operation;
use hactl_core::resource::{InPlace, KindRules, Replacement};
use hactl_core::state::ResourceState;
use hactl_core::value::{Map, Value};
use hactl_engine::{Job, ReadRequest, StepError};
use hactl_host::{BlockRemoval, BlockWrite, Host, Moved, Survey, block_addresses, block_lines, lines_of_others};

use crate::target::failed;

/// The kind's name.
pub(crate) const HOSTS: &str = "hosts";

/// The file.
pub(crate) const PATH: &str = "/etc/hosts";

pub(crate) const RULES: KindRules = KindRules {
    kind: HOSTS,
    replacement: Replacement::DeleteThenCreate,
    generations: false,
    in_place: InPlace::Fields(&["entries"]),
    computed: &[],
    remakes: &[],
    keep_on_delete: false,
    claims,
};

/// A name leads to one address of each family on a host, and one block says to which: two that agree today clash as well,
/// since a change of one would make them differ. Whoever has the whole file leaves no room for blocks.
fn claims(spec: &Value) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (ip, name) in pairs(spec) {
        let family = match ip.and_then(|ip| ip.parse().ok()) {
            Some(IpAddr::V4(_)) => " on IPv4",
            Some(IpAddr::V6(_)) => " on IPv6",
            None => "",
        };
        names.push(format!("host name {}{family}", name.to_ascii_lowercase()));
    }
    let lines = lines(spec).unwrap_or_default().join(", ").replace('\t', " ");
    names.push(format!("path {PATH} on the lines {lines}"));
    names
}

/// The blocks of a host's [`PATH`], by the address of the resource that they are.
#[derive(Default)]
pub(crate) struct Blocks<'a>(BTreeMap<&'a Address, Block>);

struct Block {
    lines: Vec<String>,
    /// The address that it names, where its resource has another one by now.
    former: Option<Address>,
}

impl<'a> Blocks<'a> {
    /// Finds them in a survey that has the text. A block of nobody's is that of the resource whose lines it has; where
    /// only one block and one resource are left, and the host has never seen that resource, they are the same.
    pub(crate) fn find(requests: &[ReadRequest<'a>], survey: &Survey, lineage: &str) -> Self {
        let Some(text) = survey.texts.get(PATH) else { return Self::default() };
        let own = |address: &Address| block_lines(text, lineage, address);
        let requests: Vec<&ReadRequest<'a>> =
            requests.iter().filter(|request| request.address.primitive() == HOSTS).collect();
        let known: BTreeSet<&Address> = requests.iter().map(|request| request.address).collect();
        let (named, without): (Vec<_>, Vec<_>) =
            requests.iter().map(|request| (*request, own(request.address))).partition(|(_, lines)| lines.is_some());
        let mut blocks: BTreeMap<&Address, Block> = named
            .into_iter()
            .filter_map(|(request, lines)| Some((request.address, Block { lines: lines?, former: None })))
            .collect();
        let mut without: Vec<&ReadRequest<'a>> =
            without.into_iter().map(|(request, _)| request).filter(|request| request.applied).collect();
        let nobodys = block_addresses(text, lineage).into_iter().filter(|address| !known.contains(address));
        let mut nobodys: Vec<(Address, Vec<String>)> =
            nobodys.filter_map(|address| own(&address).map(|lines| (address, lines))).collect();
        without.retain(|request| {
            let has = |found: &[String]| {
                request.candidates.iter().any(|candidate| lines(&candidate.spec).is_some_and(|lines| lines == found))
            };
            let Some(at) = nobodys.iter().position(|(_, found)| has(found)) else { return true };
            let (former, lines) = nobodys.swap_remove(at);
            blocks.insert(request.address, Block { lines, former: Some(former) });
            false
        });
        let recorded = |address: &Address| {
            survey.inventory.as_ref().is_some_and(|inventory| inventory.entries.contains_key(address))
        };
        if let ([request], [_]) = (without.as_slice(), nobodys.as_slice())
            && !recorded(request.address)
        {
            blocks
                .extend(nobodys.pop().map(|(former, lines)| (request.address, Block { lines, former: Some(former) })));
        }
        Self(blocks)
    }

    /// The blocks that name another address than their resource has by now: that one, and the right one.
    pub(crate) fn moved(&self) -> impl Iterator<Item = (&Address, &Address)> {
        self.0.iter().filter_map(|(address, block)| Some((block.former.as_ref()?, *address)))
    }
}

/// Whether a survey tells that there is no block of a resource in a file.
pub(crate) fn is_without_block(survey: &Survey, path: &str, lineage: &str, address: &Address) -> bool {
    survey.texts.get(path).is_some_and(|text| block_lines(text, lineage, address).is_none())
}

/// What a host is told of a resource that it knows by another address.
pub(crate) fn moved((from, to): &(Address, Address)) -> Moved {
    let block = (to.primitive() == HOSTS).then(|| PATH.to_owned());
    Moved { from: from.clone(), to: to.clone(), block }
}

/// What a survey that has the text of [`PATH`] shows of a block.
pub(crate) fn observe(request: &ReadRequest<'_>, survey: &Survey, blocks: &Blocks<'_>) -> Observed {
    let found = blocks.0.get(request.address).map(|block| &block.lines);
    match (&request.candidates[..], found) {
        ([likeliest, ..], Some(found)) => Observed::Present(Present {
            spec: overlay(&request.candidates, likeliest, found),
            outputs: Map::new(),
            generation: String::new(),
            residue: false,
            fixed: Vec::new(),
        }),
        ([], Some(found)) => match request.wanted {
            Some(wanted) => Observed::Foreign(unrecorded(wanted, found)),
            None => Observed::Absent,
        },
        (_, None) => match survey.foreign.iter().find(|claim| claim.path == PATH) {
            Some(claim) => {
                let what = format!("{PATH}, as a whole of {} in stack {},", claim.address, claim.stack);
                Observed::Foreign(Foreign::new(what))
            }
            None => Observed::Absent,
        },
    }
}

/// A block that is marked as a resource's of this stack, and that state does not hold.
fn unrecorded(wanted: &Value, found: &[String]) -> Foreign {
    let mut spec = wanted.as_map().cloned().unwrap_or_default();
    if lines(wanted).as_deref() != Some(found) {
        spec.insert("entries".to_owned(), Value::List(found.iter().map(|line| entry(line)).collect()));
    }
    let found = Present {
        spec: Arc::new(Value::Map(spec)),
        outputs: Map::new(),
        generation: String::new(),
        residue: false,
        fixed: Vec::new(),
    };
    let what = format!("a block in {PATH}, marked as this one of this stack and not in its state,");
    Foreign { what, id: PATH.to_owned(), own: true, found: Some(found) }
}

/// The spec of a block that a survey with the text of [`PATH`] shows, as far as it shows one.
pub(crate) fn spec_of(survey: &Survey, lineage: &str, address: &Address) -> Option<Value> {
    let lines = block_lines(survey.texts.get(PATH)?, lineage, address)?;
    let entries = lines.iter().map(|line| entry(line)).collect();
    Some(Value::Map(Map::from([("entries".to_owned(), Value::List(entries))])))
}

/// Warnings of lines of others that name what the config wants named, with another address: programs may use either.
pub(crate) fn shadowed(node: &str, lineage: &str, requests: &[ReadRequest<'_>], survey: &Survey) -> Vec<Diagnostic> {
    let Some(text) = survey.texts.get(PATH) else { return Vec::new() };
    let mut warnings = Vec::new();
    let others = lines_of_others(text, lineage);
    for request in requests.iter().filter(|request| request.address.primitive() == HOSTS) {
        for (ip, name) in request.wanted.into_iter().flat_map(pairs) {
            let Some(wanted) = ip.and_then(|ip| ip.parse().ok()) else { continue };
            let elsewhere =
                others.iter().find_map(|(number, line)| Some((number, leads_elsewhere(line, name, wanted)?)));
            if let Some((number, other)) = elsewhere {
                warnings.push(
                    Diagnostic::warning(format!(
                        "{node}: {name} is {other} in line {number} of {PATH}, and is to be {wanted}"
                    ))
                    .about(request.address.as_str())
                    .detail("programs on the host may use either of them")
                    .help("remove that line, which no resource of this stack has written"),
                );
            }
        }
    }
    warnings
}

/// Does one step of a block.
pub(crate) async fn execute(host: &dyn Host, job: &Job<'_>) -> Result<Map, StepError> {
    let (path, lineage, address) = (PATH.to_owned(), job.lineage.to_owned(), job.address.clone());
    let former = job.state.and_then(|state| lines(&state.spec)).unwrap_or_default();
    match job.operation {
        Operation::Create | Operation::Update | Operation::Swap => {
            let lines = job.spec.and_then(lines).ok_or_else(|| StepError::new("the plan holds no lines for it"))?;
            host.write_block(&BlockWrite { path, lines, former, lineage, address }).await.map_err(failed)?;
        }
        Operation::Delete => {
            host.remove_block(&BlockRemoval { path, former, lineage, address }).await.map_err(failed)?;
        }
        Operation::Gate
        | Operation::Settle
        | Operation::Restore
        | Operation::Forget
        | Operation::Record
        | Operation::Adopt => {}
    }
    Ok(Map::new())
}

/// The candidate that the host has, or else the likeliest with what is there in its place.
fn overlay(candidates: &[&ResourceState], likeliest: &ResourceState, found: &[String]) -> Arc<Value> {
    let is_there = |candidate: &&&ResourceState| lines(&candidate.spec).is_none_or(|lines| lines == found);
    if let Some(candidate) = candidates.iter().find(is_there) {
        return candidate.spec.clone();
    }
    let Value::Map(before) = &*likeliest.spec else { return likeliest.spec.clone() };
    let mut now = before.clone();
    now.insert("entries".to_owned(), Value::List(found.iter().map(|line| entry(line)).collect()));
    Arc::new(Value::Map(now))
}

/// The lines of a block; none where not all of it is known.
fn lines(spec: &Value) -> Option<Vec<String>> {
    spec.get("entries")?
        .as_list()?
        .iter()
        .map(|entry| {
            let names = entry.get("hostnames")?.as_list()?.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
            Some(format!("{}\t{}", entry.get("ip")?.as_str()?, names.join(" ")))
        })
        .collect()
}

/// A line as an entry; one that is none, as a comment or a damaged end of the block, stays text.
fn entry(line: &str) -> Value {
    let parsed = line.split_once('\t').filter(|(ip, names)| {
        ip.parse::<IpAddr>().is_ok() && names.split(' ').all(|name| !name.is_empty() && !name.contains(['\t', '#']))
    });
    let Some((ip, names)) = parsed else { return Value::string(line) };
    let names: Vec<Value> = names.split(' ').map(Value::from).collect();
    Value::Map(Map::from([("hostnames".to_owned(), Value::List(names)), ("ip".to_owned(), Value::from(ip))]))
}

/// The known names of a spec, each with its address where that is known.
fn pairs(spec: &Value) -> Vec<(Option<&str>, &str)> {
    let entries = spec.get("entries").and_then(Value::as_list).unwrap_or_default();
    let named = entries.iter().flat_map(|entry| {
        let ip = entry.get("ip").and_then(Value::as_str);
        let names = entry.get("hostnames").and_then(Value::as_list).unwrap_or_default();
        names.iter().filter_map(move |name| Some((ip, name.as_str()?)))
    });
    named.collect()
}

/// The address of the wanted one's family that a line of the file gives a name, where it is another one.
fn leads_elsewhere(line: &str, name: &str, wanted: IpAddr) -> Option<IpAddr> {
    let mut words = line.split('#').next()?.split_whitespace();
    let ip: IpAddr = words.next()?.parse().ok()?;
    let differs = ip.is_ipv4() == wanted.is_ipv4() && ip != wanted;
    (differs && words.any(|word| word.eq_ignore_ascii_case(name))).then_some(ip)
}

#[cfg(test)]
mod tests;

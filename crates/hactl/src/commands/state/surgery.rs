//! Changing what the state says, and nothing else: `state mv` and `state rm`.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use hactl_config::SourceMap;
use hactl_core::Diagnostic;
use hactl_core::address::Address;
use hactl_core::diagnostic::did_you_mean;
use hactl_core::moves::{Move, renames, with_what_is_bound};
use hactl_core::state::{ResourceState, State};
use hactl_core::value::Value;
use hactl_kinds::{is_on_cluster, why_not_move};
use hactl_state::git::Message;

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::render::plan::moved_lines;
use crate::session::{self, Session};
use crate::turn::{Turn, Wish};
use crate::{render, run};

/// Give a resource another address in the state
///
/// Nothing is done on any host, and nothing is made anew. Rename it in the config as well, or say so there with `moved:`,
/// which does the same for everybody who has this config.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl state mv container.web container.shop")]
pub(crate) struct Mv {
    /// The address that it has: a resource with all its instances, or one instance
    #[arg(value_name = "FROM")]
    from: String,
    /// The address that it is to have
    #[arg(value_name = "TO")]
    to: String,
    #[command(flatten)]
    options: Options,
}

/// Take resources out of the state and leave them where they are
///
/// Nothing is done on any host: containers keep running, files and objects stay. Take them out of the config as well, or the
/// next plan makes them again.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl state rm 'container.web[\"node1\"]'")]
pub(crate) struct Rm {
    /// Their addresses: resources with all their instances, or single instances
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Args)]
struct Options {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// How long to wait for another run that holds the lock, as in 30s
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = run::parse_wait)]
    lock_timeout: Duration,
    /// Do not commit the state to git this time
    #[arg(long)]
    no_commit: bool,
}

impl Mv {
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let (from, to) = (parsed(&self.from)?, parsed(&self.to)?);
        if let Some((what, help)) = why_not_move(&from, &to) {
            return Err(Diagnostic::error(what).help(help).into());
        }
        change(&self.options, "state mv", global, output, |session, state| {
            if !known(state).any(|address| address.is_of(&from)) {
                return Err(vec![unknown(state, &from)].into());
            }
            refuse_unfinished(state, &[&from, &to])?;
            let moves = [Move { from, to, span: None, to_span: None }];
            let renames = renames(state, &moves)?;
            run::rename(session, state, &renames)?;
            let heading = if self.options.dry_run { "Would move:" } else { "Moved:" };
            let lines: String = moved_lines(&renames).iter().map(|line| format!("  {line}\n")).collect();
            output.data(&format!("{heading}\n{lines}"));
            output.message("Nothing was done on hosts. The config has to name it so as well.\n");
            Ok(format!("{} to {}", self.from, self.to))
        })
    }
}

impl Rm {
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let mut wrong = Vec::new();
        let parse = |text: &String| parsed(text).map_err(|error| wrong.push(error)).ok();
        let addresses: Vec<Address> = self.addresses.iter().filter_map(parse).collect();
        change(&self.options, "state rm", global, output, |_, state| {
            wrong.extend(addresses.iter().filter_map(|address| why_not_remove(state, address)));
            if !wrong.is_empty() {
                return Err(wrong.into());
            }
            refuse_unfinished(state, &addresses.iter().collect::<Vec<_>>())?;
            let gone = taken_out(state, &addresses);
            let mut text =
                if self.options.dry_run { "Would take out:\n" } else { "Taken out of the state:\n" }.to_owned();
            for address in &gone {
                if let Some(resource) = state.resources.remove(address) {
                    text += &format!("  {address}: {}\n", what_stays(address, &resource));
                }
            }
            forget_unused_places(state);
            output.data(&text);
            output.message(
                "Nothing was done on hosts. Take it out of the config as well; to have it managed again, `hactl import` it.\n",
            );
            Ok(self.addresses.join(", "))
        })
    }
}

/// Reads the state, changes it, and writes it with the next serial; `edit` says what it did, for the commit.
fn change(
    options: &Options,
    operation: &str,
    global: &Global,
    output: &Output,
    edit: impl FnOnce(&Session, &mut State) -> Result<String, Failure>,
) -> Result<u8, Failure> {
    let session = Session::open_to_read(global)?;
    if options.dry_run {
        let loaded = run::load_to_read(&session, options.lock_timeout)?;
        edit(&session, &mut session.state(&loaded))?;
        return Ok(0);
    }
    let git = session::load_as_it_is(global)?.git;
    let wish = Wish { operation, wait: options.lock_timeout, git: &git, no_commit: options.no_commit, output };
    let (turn, loaded) = Turn::begin(&session, &wish)?;
    output.message(&render::diagnostic::render(&turn.warnings, &SourceMap::new(), output.colors_messages()));
    let mut state = session.state(&loaded);
    let what = edit(&session, &mut state)?;
    session.store.recover(loaded)?;
    state.serial += 1;
    session.store.save(&state)?;
    let summary = format!("hactl {operation} {}: {what}", state.stack);
    let told = turn.end(&Message { summary, trailers: vec![("Hactl-Serial", state.serial.to_string())] })?;
    output.message(&told);
    Ok(0)
}

fn parsed(text: &str) -> Result<Address, Diagnostic> {
    Address::parse(text)
        .map_err(|error| Diagnostic::error(error.to_string()).help("as in container.web or container.web[\"node1\"]"))
}

fn known(state: &State) -> impl Iterator<Item = &Address> {
    state.resources.keys().chain(state.unfinished.keys())
}

fn unknown(state: &State, address: &Address) -> Diagnostic {
    let names = known(state).map(|known| if address.key().is_some() { known.as_str() } else { known.resource() });
    let help = did_you_mean(address.as_str(), names).map_or_else(
        || "`hactl state list` shows the addresses there are".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Diagnostic::error(format!("the state has no resource {address}")).help(help)
}

/// What an apply that was cut short has begun is settled by looking at the hosts, which is not done here.
fn refuse_unfinished(state: &State, addresses: &[&Address]) -> Result<(), Failure> {
    let is_meant = |address: &&Address| addresses.iter().any(|whole| address.is_of(whole));
    match state.unfinished.keys().find(is_meant) {
        None => Ok(()),
        Some(address) => Err(Diagnostic::error(format!("an earlier run began to change {address} and did not finish"))
            .about(address.as_str())
            .help("run `hactl apply` first, or `hactl apply --refresh-only`: it looks at what became of that")
            .into()),
    }
}

fn why_not_remove(state: &State, address: &Address) -> Option<Diagnostic> {
    if !known(state).any(|known| known.is_of(address)) {
        return Some(unknown(state, address));
    }
    (address.primitive() == "secret").then(|| {
        Diagnostic::error(format!("{address} is in the state alone: taken out of it, it would be lost"))
            .help("take it out of the config and apply that, if it is to be destroyed")
    })
}

/// What is named, and the networks and volumes that nothing else needs: a later plan would destroy them under what stays.
fn taken_out(state: &State, addresses: &[Address]) -> Vec<Address> {
    let named: BTreeSet<&Address> =
        state.resources.keys().filter(|known| addresses.iter().any(|whole| known.is_of(whole))).collect();
    let others = state.resources.iter().filter(|(address, _)| !named.contains(address));
    let needed: BTreeSet<&Address> =
        others.flat_map(|(_, resource)| &resource.dependencies).map(|dependency| &dependency.on).collect();
    let all = with_what_is_bound(state, named, |address| needed.contains(address));
    all.into_iter().cloned().collect()
}

/// What becomes of something that is no longer managed, as a clause.
fn what_stays(address: &Address, resource: &ResourceState) -> String {
    let text = |key: &str| resource.spec.get(key).and_then(Value::as_str);
    let node = resource.node.as_deref().unwrap_or_default();
    match (address.primitive(), text("name"), text("path")) {
        _ if is_on_cluster(address) => "stays in the cluster".to_owned(),
        ("container", Some(name), _) => format!("the container {name} keeps running on {node}"),
        ("file", _, Some(path)) => format!("{path} stays on {node}"),
        (kind, Some(name), _) => format!("the {kind} {name} stays on {node}"),
        _ => format!("stays on {node}"),
    }
}

/// Drops the nodes and the cluster that hold nothing any more.
fn forget_unused_places(state: &mut State) {
    let begun = state.unfinished.values().filter_map(|intent| intent.resource.as_ref());
    let used: BTreeSet<String> = state
        .resources
        .values()
        .chain(begun)
        .filter_map(|resource| resource.node.as_deref().map(str::to_owned))
        .collect();
    state.nodes.retain(|name, _| used.contains(name));
    if !used.contains(hactl_core::cluster::CLUSTER) {
        state.cluster = None;
    }
}

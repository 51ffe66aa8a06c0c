//! What can be asked of a plan and of an apply on the command line.

use std::time::Duration;

use clap::Args;
use hactl_config::Config;
use hactl_core::Diagnostic;
use hactl_core::address::Address;
use hactl_core::cluster::CLUSTER;
use hactl_core::plan::{Mode, Options, Reason, Remake};
use hactl_kinds::end_of_overlap;

use crate::failure::Failure;
use crate::run::parse_wait;

/// Options of every command that makes a plan.
#[derive(Debug, Args)]
pub(crate) struct PlanOptions {
    /// Plan only for this resource and what it needs; can be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) target: Vec<String>,
    /// Replace this resource, whatever changed; can be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) replace: Vec<String>,
    /// Only bring the state up to what is on the hosts
    #[arg(long)]
    pub(crate) refresh_only: bool,
    /// Look at the hosts first; `--refresh=false` plans from the state alone
    #[arg(long, value_name = "BOOL", default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub(crate) refresh: bool,
    /// Remove volumes that are no longer wanted, with their data
    #[arg(long)]
    pub(crate) volumes: bool,
    /// Forget what is on this node, which is gone for good and no longer in the config
    #[arg(long, value_name = "NODE")]
    pub(crate) forget_node: Vec<String>,
    /// Accept that this node is another machine than before
    #[arg(long, value_name = "NODE")]
    pub(crate) replace_node: Vec<String>,
    /// What is taken over, and nothing else is done.
    #[arg(skip)]
    pub(crate) import: Vec<Address>,
    /// Certificate authorities whose predecessors are no longer to be trusted beside them.
    #[arg(skip)]
    pub(crate) end_overlap: Vec<Address>,
    /// How long to wait for another run that holds the lock, as in 30s
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_wait)]
    pub(crate) lock_timeout: Duration,
}

/// Options of every command that applies a plan.
#[derive(Debug, Args)]
pub(crate) struct ApplyOptions {
    /// Do not ask
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Do not commit the state to git this time
    #[arg(long)]
    pub(crate) no_commit: bool,
    /// The most steps at one time
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) parallelism: u16,
    /// Leave out what is on hosts that do not answer, instead of refusing
    #[arg(long)]
    pub(crate) allow_unreachable: bool,
    /// Write machine-readable messages, one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

impl PlanOptions {
    /// The options of a command that has none of these but how long to wait for the lock.
    pub(crate) fn of_command(lock_timeout: Duration) -> Self {
        Self {
            target: Vec::new(),
            replace: Vec::new(),
            refresh_only: false,
            refresh: true,
            volumes: false,
            forget_node: Vec::new(),
            replace_node: Vec::new(),
            import: Vec::new(),
            end_overlap: Vec::new(),
            lock_timeout,
        }
    }

    pub(super) fn ended_overlaps(&self) -> impl Iterator<Item = (Address, Remake)> {
        let ended = |address: &Address| (address.clone(), end_of_overlap(Reason::Requested));
        self.end_overlap.iter().map(ended)
    }

    pub(super) fn options(&self, mode: Mode, config: &Config) -> Result<Options, Failure> {
        let mut diagnostics = Vec::new();
        let mut addresses = |texts: &[String]| -> Vec<Address> {
            let parsed = texts.iter().filter_map(|text| match Address::parse(text) {
                Ok(address) => Some(address),
                Err(error) => {
                    diagnostics.push(
                        Diagnostic::error(error.to_string()).help("as in container.web or container.web[\"node1\"]"),
                    );
                    None
                }
            });
            parsed.collect()
        };
        let options = Options {
            mode: if self.refresh_only { Mode::RefreshOnly } else { mode },
            targets: addresses(&self.target).into_iter().chain(self.import.iter().cloned()).collect(),
            replace: addresses(&self.replace),
            remove_volumes: self.volumes,
            forget_nodes: self.forget_node.clone(),
        };
        let configured = |name: &str| match name {
            CLUSTER => config.kubernetes.is_some(),
            _ => config.nodes.contains_key(name),
        };
        for node in self.forget_node.iter().filter(|node| configured(node)) {
            let (what, help) = match node.as_str() {
                CLUSTER => ("the cluster", "take `kubernetes` and all that is on it out of the config first"),
                _ => ("this node", "take it out of the config first"),
            };
            diagnostics
                .push(Diagnostic::error(format!("--forget-node {node}: the config still has {what}")).help(help));
        }
        if diagnostics.is_empty() { Ok(options) } else { Err(diagnostics.into()) }
    }
}

//! `hostAliases`: names for addresses that no DNS server tells, in the `/etc/hosts` of pods and of hosts.

mod workload;

use hactl_core::resource::{InPlace, KindRules, Replacement};
use hactl_core::value::Value;

use crate::object::SETTINGS;

pub(crate) use workload::{execute, read};

pub(crate) const RULES: KindRules = KindRules {
    kind: "hostAliases",
    replacement: Replacement::DeleteThenCreate,
    generations: true,
    in_place: InPlace::Fields(&["aliases", "optional", SETTINGS]),
    computed: &[],
    remakes: &[],
    keep_on_delete: false,
    claims,
};

/// The addresses that it names in its workload.
fn claims(spec: &Value) -> Vec<String> {
    let Some(workload) = workload::reference(spec) else { return Vec::new() };
    let aliases = spec.get("aliases").and_then(Value::as_list).unwrap_or_default();
    let ips = aliases.iter().filter_map(|alias| alias.get("ip")?.as_str());
    ips.map(|ip| format!("the host aliases of {ip} in {workload}")).collect()
}

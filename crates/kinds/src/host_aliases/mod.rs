//! `hostAliases`: names for addresses that no DNS server tells, in the `/etc/hosts` of pods and of hosts.

mod workload;

pub(crate) use workload::{RULES, execute, read};

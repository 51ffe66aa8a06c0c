//! `hostAliases`: names that lead to an address, for the pods of workloads and for hosts.

pub(crate) mod hosts;

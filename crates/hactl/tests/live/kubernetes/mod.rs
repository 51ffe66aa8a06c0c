//! Objects on the lab's real cluster: API server, etcd, controllers and kubelets, as kubectl sees them beside hactl.
//!
//! Every test has its own namespace and its own stack, so that they run beside each other.

mod aliases;
mod cluster;
mod connecting;
mod faults;
mod kills;
mod many;
mod owners;
mod proxy;
mod refusals;
mod replacing;
mod secrets;
mod templates;
mod together;

pub(crate) use cluster::KUBECONFIG;

use crate::suite::Case;

/// Topics and their cases, those that take long first.
pub(crate) const TOPICS: &[(&str, &[Case])] = &[
    ("kubernetes::templates", templates::CASES),
    ("kubernetes::aliases", aliases::CASES),
    ("kubernetes::faults", faults::CASES),
    ("kubernetes::kills", kills::CASES),
    ("kubernetes::many", many::CASES),
    ("kubernetes::replacing", replacing::CASES),
    ("kubernetes::secrets", secrets::CASES),
    ("kubernetes::owners", owners::CASES),
    ("kubernetes::together", together::CASES),
    ("kubernetes::refusals", refusals::CASES),
    ("kubernetes::connecting", connecting::CASES),
];

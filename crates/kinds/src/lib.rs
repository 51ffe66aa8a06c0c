//! The kinds of resources hactl knows: specs, lowering, providers.
//!
//! A kind is a folder and a line in `registry.rs`. Its pure half turns a spec of the config into resources; its
//! provider half reads and changes hosts through the port of `hactl-host`.
#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "tests ask hosts themselves"))]

mod cluster;
mod container;
mod decode;
mod file;
mod formats;
mod home;
mod host_aliases;
mod ingress;
mod logins;
mod lower;
mod manifest;
mod mistakes;
mod moved;
mod moves;
mod named;
mod network;
mod node;
mod object;
mod registry;
mod remains;
mod scope;
mod secret;
mod target;
mod text;
mod uses;
mod volume;

pub use cluster::is_on_cluster;
pub use container::resolve_images;
pub use formats::{duration as parse_duration, port as parse_port};
pub use home::Maker;
pub use logins::Logins;
pub use lower::{lower, lower_with_warnings};
pub use mistakes::{all_mistakes, mistakes, warnings};
pub use moves::why_not_move;
pub use node::{preflight, uses_facts};
pub use object::what_goes_along;
pub use registry::{RULES, SECTIONS};
pub use scope::Facts;
pub use secret::{
    ISSUING, NOT_AFTER, OVERLAP_UNTIL, ReadCertificate, ReadSecrets, age, end_of_overlap, flaw_of_secret, is_generated,
    read_secrets, renews_at,
};
pub use target::Hosts;

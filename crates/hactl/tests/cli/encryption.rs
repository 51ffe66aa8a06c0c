//! Who can read a state: identities, recipients, and what is refused. In the real world, with stacks that have secrets
//! and no hosts.

mod crash;
mod hardening;
mod identities;
mod saved_plan;
mod sharing;
mod stability;
mod tampering;
mod team;

//! What the entries of a state are called: inside a ciphertext, and in messages.
//!
//! The one place where these names are made. To change one is to make every ciphertext under it unreadable.

use hactl_core::Address;

/// The header of a state: its digest key.
pub(crate) const HEADER: &str = "encryption";

/// A variable: `var.NAME`.
pub fn variable(name: &str) -> String {
    format!("var.{name}")
}

/// An output of the config: `output.NAME`.
pub fn output(name: &str) -> String {
    format!("output.{name}")
}

/// An output of a resource, as an entry of a secret: `secret.NAME.ENTRY`.
pub fn resource_output(address: &Address, name: &str) -> String {
    format!("{address}.{name}")
}

/// The spec of a resource; the path of a part of it follows.
pub(crate) fn spec(address: &Address) -> String {
    format!("{address}/spec")
}

/// A part of a value, by its key in a map or its index in a list.
pub(crate) fn part(whole: &str, key: &str) -> String {
    format!("{whole}.{key}")
}

/// What a saved plan withholds.
pub const PLAN: &str = "plan";

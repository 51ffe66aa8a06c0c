//! The pure core of hactl: synchronous functions over data.
//!
//! Nothing here touches a disk, a network, a clock, the environment or a source of randomness;
//! `clippy.toml` in this crate bans the ways to do so.

pub mod address;
pub mod cluster;
pub mod diagnostic;
pub mod diff;
pub mod digest;
pub mod duration;
pub mod eval;
pub mod expr;
pub mod git;
pub mod graph;
pub mod moves;
pub mod node;
pub mod observed;
pub mod plan;
pub mod rebuild;
pub mod registry;
pub mod resolve;
pub mod resource;
pub mod sensitive;
pub mod state;
pub mod value;

pub use address::Address;
pub use diagnostic::Diagnostic;
pub use digest::{Digest, DigestKey, DigestOfPieces};
pub use sensitive::Sensitive;
pub use value::Value;

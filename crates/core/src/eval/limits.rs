//! Limits that keep any expression from hanging the program or filling its memory.
//!
//! They are far above what a config needs; passing one is an error that names it.

/// Longest text a function or template makes, in bytes: 10 MiB.
pub const TEXT_BYTES: usize = 10 * 1024 * 1024;

/// Most items of a list a function makes.
pub const ITEMS: usize = 1_000_000;

/// Widest field and highest precision in `format()`, and deepest `indent()`, in characters.
pub const WIDTH: usize = 1_000;

/// How much one evaluation may make and visit in all, in bytes: every value and every expression visited
/// counts for [`NODE_BYTES`], every text also for its length.
pub const WORK_BYTES: usize = 256 * 1024 * 1024;

/// What one value or expression counts for in [`WORK_BYTES`].
pub const NODE_BYTES: usize = 32;

/// How deep expressions may nest.
pub const DEPTH: u32 = 128;

/// How deep a deferred expression may nest; an index counts twice.
///
/// Lower than [`DEPTH`], so that a saved plan stays within the 128 levels that JSON readers accept.
pub const DEFERRED_DEPTH: u32 = 48;

//! Points: places before and after an effect, at which a test can strike.
//!
//! They are numbered in the order in which they are passed, from 1. What strikes is said by [`arm`], once, with a text (the
//! binary takes it from the environment variable [`VARIABLE`]):
//!
//! | text | what happens |
//! |---|---|
//! | `trace:FILE` | each point adds a line to the file: what it needs (`space`, `disk` or `port`), its name, what it is about, with tabs between |
//! | `kill:N` | at the N-th point the process is killed (SIGKILL) |
//! | `enospc:N` | the N-th operation that needs space fails, as on a full disk |
//! | `enospc:N+` | so do all that need space from there on: a disk that is full stays full |
//! | `eio:N`, `eio:N+` | the N-th operation on the disk fails, or all from there on, as on a broken disk |
//!
//! In builds without debug assertions, as releases are, this module is empty functions: nothing reads the variable, and
//! nothing of the table above is in the binary.

#[cfg(debug_assertions)]
mod armed;

use std::fmt::Display;
use std::io;

/// The environment variable that says what strikes where.
pub const VARIABLE: &str = "HACTL_FAILPOINT";

/// What an effect needs, which decides what can make it fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Space on the disk.
    Space,
    /// The disk.
    Disk,
    /// Neither: it is not made to fail.
    #[cfg_attr(not(debug_assertions), expect(dead_code, reason = "what a release never asks"))]
    Nothing,
}

/// Makes the points of this process strike as a text says. To be called once, before the first effect.
///
/// # Errors
/// Why the text says nothing, as a sentence. Builds without debug assertions take any.
pub fn arm(text: &str) -> Result<(), String> {
    #[cfg(debug_assertions)]
    return armed::arm(text);
    #[cfg(not(debug_assertions))]
    {
        let _ = text;
        Ok(())
    }
}

/// Passes a point before or after an effect; `what` tells what it is about, to who reads a trace.
pub fn pass(name: &str, what: &dyn Display) {
    #[cfg(debug_assertions)]
    let _cannot_fail = armed::meet(Need::Nothing, name, what);
    #[cfg(not(debug_assertions))]
    let _ = (name, what);
}

/// Passes the point before an operation on the disk.
///
/// # Errors
/// Those that a disk has, where one is to strike here.
pub(crate) fn enter(need: Need, name: &str, what: &dyn Display) -> io::Result<()> {
    #[cfg(debug_assertions)]
    return armed::meet(need, name, what);
    #[cfg(not(debug_assertions))]
    {
        let _ = (need, name, what);
        Ok(())
    }
}

/// The pieces that bytes are written in: one, and two where points strike, because a write can end in the middle.
pub(crate) fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    #[cfg(debug_assertions)]
    let half = if armed::is_armed() { bytes.len() / 2 } else { 0 };
    #[cfg(not(debug_assertions))]
    let half = 0;
    let (first, second) = bytes.split_at(half);
    [first, second].into_iter().filter(|piece| !piece.is_empty())
}

//! A run that is killed, or whose disk fails, at every point in turn, as a process of its own; and what the next one makes
//! of what is left. In builds without debug assertions there are no points, and nothing here runs.

mod disks;
mod faults;
mod kills;
mod look;
mod place;
mod stack;

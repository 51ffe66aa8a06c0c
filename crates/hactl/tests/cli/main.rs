//! What must hold whatever goes wrong: faults, crashes, interrupts, races and bad input.

mod crash;
mod fleet;
mod laws;

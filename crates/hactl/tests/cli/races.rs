//! Two runs at once: on one machine, and in two clones of one repository.

mod clones;
mod lease;
mod machine;
mod team;
mod unlock;

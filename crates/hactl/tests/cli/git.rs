//! States in git: what a run commits, pushes and refuses, and how an older revision is gone back to. In the real world,
//! with a stack that has secrets and no hosts.

mod committing;
mod desk;
mod pushing;
mod refusing;
mod rolling_back;

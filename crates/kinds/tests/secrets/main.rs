//! Secrets of a config: what they are lowered to, how they are read, and what is said about those that are wrong.

#[cfg(test)]
mod lowering;
#[cfg(test)]
mod reading;

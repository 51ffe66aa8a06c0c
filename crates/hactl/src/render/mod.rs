//! Rendering: data in, text or JSON out.

pub(crate) mod diagnostic;
pub(crate) mod history;
pub(crate) mod plan;
pub(crate) mod plan_json;
pub(crate) mod progress;
pub(crate) mod recovered;
pub(crate) mod secrets;
pub(crate) mod state_json;
pub(crate) mod stream;
pub(crate) mod value;

//! What is wrong, and what to do about it.

use jiff::Timestamp;

/// Something that a user can put right: in a spec, in a file that was given, or by renewing what expired.
///
/// It never holds key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{summary}")]
pub struct Mistake {
    /// What is wrong and where, in one line without a full stop.
    pub summary: String,
    /// What to do next.
    pub help: String,
}

impl Mistake {
    pub(crate) fn new(summary: impl Into<String>, help: impl Into<String>) -> Self {
        Self { summary: summary.into(), help: help.into() }
    }
}

/// One mistake where several could have been told.
impl From<Mistake> for Vec<Mistake> {
    fn from(mistake: Mistake) -> Self {
        vec![mistake]
    }
}

/// A time as messages give it: to the second, in UTC.
pub(crate) fn show(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

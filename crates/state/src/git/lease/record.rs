//! What a lease says, and when it is over: pure.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::lock::Holder;

/// A lease as its commit tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    /// Tells it from any other; random, the same through all its heartbeats.
    pub id: String,
    /// Who holds it, and since when.
    #[serde(flatten)]
    pub holder: Holder,
    /// When it was last renewed, by the holder's clock.
    pub renewed: Timestamp,
    /// When it ends unless it is renewed before, by the holder's clock.
    pub expires: Timestamp,
    /// How often it was renewed.
    pub heartbeats: u64,
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, expires {}", self.holder, whole_seconds(self.expires))
    }
}

impl Lease {
    /// A lease that begins now.
    pub(super) fn new(id: &str, holder: Holder, duration: Duration, now: Timestamp) -> Self {
        Self { id: id.to_owned(), holder, renewed: now, expires: later(now, duration), heartbeats: 0 }
    }

    /// The same with another heartbeat.
    pub(super) fn renewed(&self, duration: Duration, now: Timestamp) -> Self {
        Self { renewed: now, expires: later(now, duration), heartbeats: self.heartbeats + 1, ..self.clone() }
    }

    /// How long it lasts from one heartbeat.
    pub(super) fn duration(&self) -> Duration {
        Duration::try_from(self.renewed.duration_until(self.expires)).unwrap_or_default()
    }

    /// Whether it is over for somebody who has seen it without a heartbeat for this long.
    ///
    /// Clocks differ: by the own clock it has to be over for a heartbeat's time as well. Where they differ by more, that
    /// it has not moved for all its duration says the same.
    pub(super) fn is_over(&self, now: Timestamp, unchanged: Duration) -> bool {
        let duration = self.duration();
        unchanged >= duration || now >= later(self.expires, heartbeat(duration))
    }

    /// The message of its commit: a line for people, and JSON.
    pub(super) fn message(&self) -> String {
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{self}\n\n{json}\n")
    }

    /// Reads what [`Lease::message`] wrote; none where it is something else.
    pub(super) fn from_message(message: &str) -> Option<Self> {
        let (_subject, json) = message.split_once("\n\n")?;
        serde_json::from_str(json).ok()
    }
}

/// The time between two heartbeats of a lease that lasts so long: one may be missed, and a second.
pub(super) fn heartbeat(duration: Duration) -> Duration {
    duration / 3
}

/// A time as people read it.
pub(super) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn later(time: Timestamp, duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        let holder = Holder {
            operation: "apply".to_owned(),
            user: "alice".to_owned(),
            host: "desk".to_owned(),
            pid: 7,
            since: "2027-01-31T12:00:00Z".parse().unwrap(),
        };
        Lease::new("5eed", holder, Duration::from_secs(300), "2027-01-31T12:00:00.5Z".parse().unwrap())
    }

    fn over(at: &str, unchanged: u64) -> bool {
        lease().is_over(at.parse().unwrap(), Duration::from_secs(unchanged))
    }

    #[test]
    fn it_ends_a_heartbeat_after_its_expiry_or_when_it_has_not_moved_for_its_duration() {
        assert!(!over("2027-01-31T12:00:10Z", 0));
        assert!(!over("2027-01-31T12:06:30Z", 0), "the clocks may differ");
        assert!(over("2027-01-31T12:06:41Z", 0));
        assert!(!over("2027-01-31T11:00:00Z", 299), "the holder's clock may be ahead");
        assert!(over("2027-01-31T11:00:00Z", 300));
    }

    #[test]
    fn a_heartbeat_moves_its_end() {
        let lease = lease().renewed(Duration::from_secs(300), "2027-01-31T12:01:40Z".parse().unwrap());
        assert_eq!(lease.expires, "2027-01-31T12:06:40Z".parse().unwrap());
        assert_eq!(lease.heartbeats, 1);
    }

    #[test]
    fn its_message_is_for_people_and_reads_back() {
        let message = lease().message();
        insta::assert_snapshot!(message, @r#"
        hactl apply by alice@desk, pid 7, since 2027-01-31T12:00:00Z, expires 2027-01-31T12:05:00Z

        {
          "id": "5eed",
          "operation": "apply",
          "user": "alice",
          "host": "desk",
          "pid": 7,
          "since": "2027-01-31T12:00:00Z",
          "renewed": "2027-01-31T12:00:00.5Z",
          "expires": "2027-01-31T12:05:00.5Z",
          "heartbeats": 0
        }
        "#);
        assert_eq!(Lease::from_message(&message), Some(lease()));
        assert_eq!(Lease::from_message("fix the web server\n\nAnd more."), None);
        let newer = message.replace("\"heartbeats\"", "\"place\": 1, \"heartbeats\"");
        assert_eq!(Lease::from_message(&newer), Some(lease()), "what a later version adds is left alone");
    }
}

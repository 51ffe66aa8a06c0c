//! When certificates end.

use hactl_core::plan::{Expiry, Mode, Plan};

use crate::render::plan::page::{Page, Tone, count};

/// The most certificates that are named; of more, those that end first.
const SHOWN: usize = 8;

/// Writes what ends by itself, the soonest first.
pub(super) fn write(page: &mut Page, plan: &Plan) {
    let is_empty = plan.expiries.is_empty() && plan.postponed.is_empty();
    if is_empty || plan.mode == Mode::Destroy {
        return;
    }
    page.gap();
    page.line(0, Tone::Heading, "Certificates:");
    let mut expiries: Vec<_> = plan.expiries.iter().collect();
    expiries.sort_by(|(_, a), (_, b)| a.not_after.cmp(&b.not_after));
    for (address, expiry) in expiries.iter().take(SHOWN) {
        page.line(2, Tone::Plain, format!("{address} {}", words(expiry)));
    }
    if expiries.len() > SHOWN {
        let more = count(expiries.len() - SHOWN, "other");
        page.line(2, Tone::Plain, format!("and {more}, later: `hactl secret list` has them all"));
    }
    for address in &plan.postponed {
        let why = "not everything that uses it is up to date";
        page.line(2, Tone::Changed, format!("{address}: its predecessor stays trusted beside it, {why}"));
    }
}

/// `expires 2027-11-22, renewed from 2027-08-24 on`.
fn words(expiry: &Expiry) -> String {
    let renewal = match &expiry.renews_at {
        Some(time) => format!("is renewed by plans from {} on", day(time)),
        None => "is not renewed by hactl, which did not make it".to_owned(),
    };
    let overlap = match &expiry.overlap_until {
        Some(time) => format!("; its predecessor is trusted beside it until {}", day(time)),
        None => String::new(),
    };
    format!("expires {}, {renewal}{overlap}", day(&expiry.not_after))
}

/// The day of a time in RFC 3339.
pub(crate) fn day(time: &str) -> &str {
    time.split_once('T').map_or(time, |(day, _)| day)
}

//! A cluster whose API server may go away for a while.
//!
//! Every call that an apply makes can be made again, whether the server did it the first time or not: server-side apply
//! says what is to be and not what is to change, a deletion names the very object by its uid, and the others only ask. So a
//! call of which nobody knows whether it was done is simply repeated. So is a pod that a new namespace does not take yet.
//!
//! The steps of a run wait together: their patience is counted from the first call that got no answer, so that a run with
//! many steps ends as soon as one with few.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hactl_kube::{Applying, Cluster, ClusterError, Object, ServedKind};
use tokio::time::{Instant, sleep};

use crate::object::reference::Spot;

/// How long the server may stay away.
const PATIENCE: Duration = Duration::from_secs(60);
/// The first pause between two tries; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Told what is going on, as short texts.
pub(crate) type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// A cluster that is asked again while it does not answer.
#[derive(Clone, Copy)]
pub(crate) struct Patient<'a> {
    pub(crate) cluster: &'a dyn Cluster,
    pub(crate) outage: &'a Outage,
    pub(crate) progress: Progress<'a>,
}

/// Since when a cluster does not answer, as all steps of a run know it.
#[derive(Debug, Default)]
pub(crate) struct Outage(Mutex<Option<Silence>>);

/// A time without answers.
#[derive(Debug, Clone)]
struct Silence {
    since: Instant,
    /// The last call that did not reach the server, and why.
    last: Option<(Instant, ClusterError)>,
}

impl Outage {
    /// Notes a call without an answer; returns until when it is worth another try.
    fn begins(&self, error: &ClusterError) -> Instant {
        let mut silence = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let silence = silence.get_or_insert(Silence { since: now, last: None });
        if let ClusterError::Unreachable { .. } = error {
            silence.last = Some((now, error.clone()));
        }
        silence.since + PATIENCE
    }

    fn ends(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Why nothing is asked now: nobody waits any more, and the last try was a moment ago.
    fn verdict(&self) -> Option<ClusterError> {
        let silence = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let (tried, error) = silence.last?;
        let now = Instant::now();
        (now + LONGEST_PAUSE > silence.since + PATIENCE && now < tried + LONGEST_PAUSE).then_some(error)
    }
}

impl Patient<'_> {
    pub(crate) async fn served(&self, groups: &BTreeSet<String>) -> Result<Vec<ServedKind>, ClusterError> {
        patiently(self.progress, self.outage, || self.cluster.served(groups)).await
    }

    pub(crate) async fn get(&self, spot: &Spot) -> Result<Option<Object>, ClusterError> {
        let name = spot.name();
        patiently(self.progress, self.outage, || self.cluster.get(&spot.kind, &name)).await
    }

    pub(crate) async fn apply(&self, spot: &Spot, object: &Object, how: &Applying<'_>) -> Result<Object, ClusterError> {
        patiently(self.progress, self.outage, || self.cluster.apply(&spot.kind, object, how)).await
    }

    pub(crate) async fn delete(&self, spot: &Spot, uid: &str) -> Result<(), ClusterError> {
        let name = spot.name();
        patiently(self.progress, self.outage, || self.cluster.delete(&spot.kind, &name, uid)).await
    }

    pub(crate) async fn next(&self, spot: &Spot, seen: &Object) -> Result<Option<Object>, ClusterError> {
        let name = spot.name();
        patiently(self.progress, self.outage, || self.cluster.next(&spot.kind, &name, seen.resource_version())).await
    }
}

/// Makes a call until the server answers, until the outage has lasted for [`PATIENCE`].
///
/// # Errors
/// What the server answered, or why it does not.
pub(crate) async fn patiently<T, F>(
    progress: Progress<'_>,
    outage: &Outage,
    call: impl Fn() -> F,
) -> Result<T, ClusterError>
where
    F: Future<Output = Result<T, ClusterError>>,
{
    if let Some(error) = outage.verdict() {
        return Err(error);
    }
    let deadline = Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = call().await;
        let passing = answer.as_ref().err().and_then(|error| Some((error, passing(error)?)));
        let Some((error, passing)) = passing else {
            outage.ends();
            return answer;
        };
        let until = match error {
            ClusterError::Unreachable { .. } | ClusterError::Lost { .. } => outage.begins(error),
            _ => deadline,
        };
        if Instant::now() + pause >= until {
            return answer;
        }
        if pause == FIRST_PAUSE {
            progress(&format!("{passing}; trying again"));
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What it is that passes by itself, if it does.
///
/// A new namespace takes no pods until controllers gave it the service account `default`, and servers before 1.24 until that
/// has a token; the words are those of the ServiceAccount admission plugin.
fn passing(error: &ClusterError) -> Option<&'static str> {
    let waits_for_account = |message: &str| {
        message.contains("retry after the token is automatically created")
            || message.contains("error looking up service account")
                && message.contains("serviceaccount \"default\" not found")
    };
    match error {
        ClusterError::Unreachable { .. } | ClusterError::Lost { .. } => Some("the API server does not answer"),
        ClusterError::Forbidden { message } | ClusterError::Refused { message, .. } if waits_for_account(message) => {
            Some("the namespace has no service account yet")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    async fn try_until(answers_at: Duration) -> (Result<u32, ClusterError>, Vec<String>, Duration) {
        let refused = ClusterError::Unreachable { reason: "connection refused".to_owned() };
        fail_until(answers_at, refused, &Outage::default()).await
    }

    async fn try_again_until(
        answers_at: Duration,
        outage: &Outage,
    ) -> (Result<u32, ClusterError>, Vec<String>, Duration) {
        let refused = ClusterError::Unreachable { reason: "connection refused".to_owned() };
        fail_until(answers_at, refused, outage).await
    }

    async fn fail_until(
        answers_at: Duration,
        error: ClusterError,
        outage: &Outage,
    ) -> (Result<u32, ClusterError>, Vec<String>, Duration) {
        let started = Instant::now();
        let (calls, told) = (AtomicU32::new(0), Mutex::new(Vec::new()));
        let progress = |text: &str| told.lock().unwrap().push(text.to_owned());
        let answer = patiently(&progress, outage, || async {
            let calls = calls.fetch_add(1, Ordering::Relaxed) + 1;
            if started.elapsed() >= answers_at {
                return Ok(calls);
            }
            Err(error.clone())
        });
        (answer.await, told.into_inner().unwrap(), started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_comes_back_is_asked_again() {
        let (answer, told, _) = try_until(Duration::from_secs(30)).await;
        assert!(answer.is_ok());
        assert_eq!(told, ["the API server does not answer; trying again"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_namespace_has_time_to_settle() {
        let no_token = "No API token found for service account \"default\", retry after the token is automatically created \
            and added to the service account";
        let no_account =
            "pods \"a\" is forbidden: error looking up service account x/default: serviceaccount \"default\" not found";
        let no_right = "pods is forbidden: User \"jo\" cannot create resource \"pods\"";
        for (error, passes) in [
            (ClusterError::Refused { status: 500, message: no_token.to_owned() }, true),
            (ClusterError::Forbidden { message: no_account.to_owned() }, true),
            (ClusterError::Forbidden { message: no_right.to_owned() }, false),
        ] {
            let (answer, told, _) = fail_until(Duration::from_secs(2), error, &Outage::default()).await;
            assert_eq!(answer.is_ok(), passes);
            let expected = passes.then_some("the namespace has no service account yet; trying again");
            assert_eq!(told, Vec::from_iter(expected.map(str::to_owned)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_has_an_end() {
        let (answer, _, elapsed) = try_until(Duration::from_secs(600)).await;
        assert_eq!(answer.unwrap_err().to_string(), "connection refused");
        assert!(elapsed > Duration::from_secs(45) && elapsed <= PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn the_steps_of_a_run_wait_together() {
        let (outage, never) = (Outage::default(), Duration::from_secs(6000));
        let started = Instant::now();
        for _ in 0..500 {
            let (answer, ..) = try_again_until(never, &outage).await;
            assert_eq!(answer.unwrap_err().to_string(), "connection refused");
        }
        assert!(started.elapsed() <= PATIENCE, "{:?}", started.elapsed());
        // Whoever comes later looks whether it is back.
        sleep(Duration::from_secs(30)).await;
        assert_eq!(try_again_until(Duration::ZERO, &outage).await.0, Ok(1));
        let (answer, ..) = try_again_until(Duration::from_secs(30), &outage).await;
        assert!(answer.is_ok(), "a second outage is waited for as well");
    }
}

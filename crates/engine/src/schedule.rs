//! Which steps may begin: a plain state machine over the edges of a plan.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hactl_core::plan::{Step, When};

/// What becomes of a step that could begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It begins.
    Begins,
    /// Not this one, but others may.
    NotNow,
    /// No more for now.
    Full,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It did what it was to do.
    Well,
    /// It failed.
    Badly,
    /// It was not begun.
    Skipped,
}

/// The steps of a plan, and how far they are.
pub(crate) struct Schedule<'a> {
    steps: &'a [Step],
    followers: Vec<Vec<u32>>,
    waiting: Vec<u32>,
    ended: Vec<Option<Ended>>,
    begun: Vec<bool>,
    ready: BinaryHeap<Reverse<u32>>,
    skipped: Vec<usize>,
}

impl<'a> Schedule<'a> {
    pub(crate) fn new(steps: &'a [Step]) -> Self {
        let mut followers = vec![Vec::new(); steps.len()];
        let mut waiting = vec![0; steps.len()];
        for (number, step) in steps.iter().enumerate() {
            waiting[number] = step.after.len() as u32;
            for edge in &step.after {
                followers[edge.step as usize].push(number as u32);
            }
        }
        let ready = waiting
            .iter()
            .enumerate()
            .filter(|(_, waiting)| **waiting == 0)
            .map(|(number, _)| Reverse(number as u32))
            .collect();
        Self {
            steps,
            followers,
            waiting,
            ended: vec![None; steps.len()],
            begun: vec![false; steps.len()],
            ready,
            skipped: Vec::new(),
        }
    }

    /// Asks about every step that may begin, lowest number first. Barriers end as soon as they begin.
    pub(crate) fn take_ready(&mut self, turn: &mut dyn FnMut(usize) -> Turn) {
        let mut kept = Vec::new();
        while let Some(Reverse(number)) = self.ready.pop() {
            let step = number as usize;
            if self.steps[step].task.is_none() {
                self.begun[step] = true;
                self.end(step, Ended::Well);
                continue;
            }
            match turn(step) {
                Turn::Begins => self.begun[step] = true,
                Turn::NotNow => kept.push(Reverse(number)),
                Turn::Full => {
                    kept.push(Reverse(number));
                    break;
                }
            }
        }
        self.ready.extend(kept);
    }

    /// The steps found since the last call that will never begin.
    pub(crate) fn take_skipped(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.skipped)
    }

    /// Takes note of how a step ended and finds what may begin now.
    pub(crate) fn end(&mut self, step: usize, ended: Ended) {
        let mut open = vec![(step, ended)];
        while let Some((step, ended)) = open.pop() {
            self.ended[step] = Some(ended);
            for at in 0..self.followers[step].len() {
                let follower = self.followers[step][at] as usize;
                self.waiting[follower] -= 1;
                if self.waiting[follower] > 0 {
                    continue;
                }
                if self.may_begin(follower) {
                    self.ready.push(Reverse(follower as u32));
                } else {
                    self.skipped.push(follower);
                    open.push((follower, Ended::Skipped));
                }
            }
        }
    }

    /// The steps that could have begun and did not, and those that waited for them.
    pub(crate) fn left(&self) -> Vec<usize> {
        (0..self.steps.len()).filter(|step| self.ended[*step].is_none() && !self.begun[*step]).collect()
    }

    fn may_begin(&self, step: usize) -> bool {
        let edges = &self.steps[step].after;
        let ended = |step: u32| self.ended[step as usize];
        let well =
            edges.iter().filter(|edge| edge.when == When::Success).all(|edge| ended(edge.step) == Some(Ended::Well));
        let mut failures = edges.iter().filter(|edge| edge.when == When::Failure).peekable();
        let asked_for = failures.peek().is_none() || failures.any(|edge| ended(edge.step) == Some(Ended::Badly));
        well && asked_for
    }
}

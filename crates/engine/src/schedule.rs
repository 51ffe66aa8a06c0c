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

#[cfg(test)]
mod tests {
    use hactl_core::plan::{Edge, Operation, Task};

    use super::*;

    /// Steps from what each waits for: `0`, `1!` for a failure of 1, `2*` for its end; `-` before it is a barrier.
    fn steps(text: &str) -> Vec<Step> {
        let step = |line: &str| {
            let (waits, is_barrier) = line.trim().strip_prefix('-').map_or((line, false), |rest| (rest, true));
            let edges = waits.split_whitespace().map(|word| Edge {
                step: word.trim_end_matches(['!', '*']).parse().unwrap(),
                when: match word.chars().last() {
                    Some('!') => When::Failure,
                    Some('*') => When::Always,
                    _ => When::Success,
                },
            });
            let task = (!is_barrier).then_some(Task { change: 0, operation: Operation::Create });
            Step { task, after: edges.collect() }
        };
        text.split(',').map(step).collect()
    }

    /// Walks steps of which some fail, one batch after the other: `0 1 | 2 skipped 3`.
    fn walk(text: &str, fails: &[usize]) -> String {
        let steps = steps(text);
        let mut schedule = Schedule::new(&steps);
        let mut batches = Vec::new();
        loop {
            let mut batch = Vec::new();
            schedule.take_ready(&mut |step| {
                batch.push(step);
                Turn::Begins
            });
            let mut words: Vec<String> = batch.iter().map(ToString::to_string).collect();
            for step in batch {
                schedule.end(step, if fails.contains(&step) { Ended::Badly } else { Ended::Well });
            }
            words.extend(schedule.take_skipped().iter().map(|step| format!("skipped {step}")));
            if words.is_empty() {
                break;
            }
            batches.push(words.join(" "));
        }
        assert!(schedule.left().is_empty());
        batches.join(" | ")
    }

    #[test]
    fn steps_begin_when_their_edges_allow() {
        let table: &[(&str, &[usize], &str)] = &[
            (",,", &[], "0 1 2"),
            (",0,1", &[], "0 | 1 | 2"),
            (",0,1", &[0], "0 skipped 1 skipped 2"),
            (",0,1,0!", &[0], "0 skipped 1 skipped 2 | 3"),
            (",0,1,0!", &[], "0 skipped 3 | 1 | 2"),
            // A rollback that waits for either of two failures.
            (",0,1,0! 1!", &[1], "0 | 1 skipped 2 | 3"),
            (",0,1,0! 1!", &[0], "0 skipped 1 skipped 2 | 3"),
            (",0,1,0! 1!", &[], "0 | 1 skipped 3 | 2"),
            // What waits for a failure and for a success needs both.
            (",,0! 1", &[0], "0 1 | 2"),
            (",,0! 1", &[0, 1], "0 1 skipped 2"),
            // Whatever the end, skipped ones included.
            (",0,1*", &[0], "0 skipped 1 | 2"),
            // A barrier ends by itself, and passes a failure on.
            (",,-0 1,2", &[], "0 1 | 3"),
            (",,-0 1,2", &[1], "0 1 skipped 2 skipped 3"),
            ("-,0", &[], "1"),
        ];
        for (text, fails, expected) in table {
            assert_eq!(walk(text, fails), *expected, "{text} with {fails:?} failing");
        }
    }

    #[test]
    fn what_has_no_turn_is_asked_again_and_is_left_at_the_end() {
        let steps = steps(",,,0");
        let mut schedule = Schedule::new(&steps);
        let mut asked = Vec::new();
        schedule.take_ready(&mut |step| {
            asked.push(step);
            if step == 0 { Turn::NotNow } else { Turn::Full }
        });
        assert_eq!(asked, [0, 1]);
        schedule.take_ready(&mut |step| if step == 1 { Turn::Begins } else { Turn::NotNow });
        assert_eq!(schedule.left(), [0, 2, 3]);
    }
}

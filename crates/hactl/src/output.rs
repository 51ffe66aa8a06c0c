//! Where text goes: data to standard output, everything else to standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use anstream::{AutoStream, ColorChoice};

use crate::cli::ColorWhen;

/// The two streams of a run.
#[derive(Debug)]
pub(crate) struct Output {
    color: ColorWhen,
    /// Whether the log goes where messages go.
    shared: bool,
    /// Why data was lost, the first time that any was.
    lost: OnceLock<io::Error>,
}

impl Output {
    pub(crate) fn new(color: ColorWhen) -> Self {
        Self { color, shared: false, lost: OnceLock::new() }
    }

    /// From now on the log goes where messages go: progress is told in lines, because bars would be torn by it.
    pub(crate) fn share_messages(&mut self) {
        self.shared = true;
    }

    /// Writes data. A reader that has gone away, as `head` does, is no error; any other is kept for [`Self::lost`], so
    /// that what is being applied goes on.
    pub(crate) fn data(&self, text: &str) {
        let mut stream = AutoStream::new(std::io::stdout().lock(), self.choice());
        match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let _the_first_one_is_told = self.lost.set(error);
            }
            _ => {}
        }
    }

    /// Why data could not be written, where some could not.
    pub(crate) fn lost(&self) -> Option<&io::Error> {
        self.lost.get()
    }

    /// Writes what is not data.
    pub(crate) fn message(&self, text: &str) {
        let mut stream = AutoStream::new(std::io::stderr().lock(), self.choice());
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    }

    /// Whether progress can be drawn.
    pub(crate) fn draws_progress(&self) -> bool {
        !self.shared && std::io::stderr().is_terminal()
    }

    /// Whether messages are coloured.
    pub(crate) fn colors_messages(&self) -> bool {
        match self.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => {
                matches!(AutoStream::choice(&std::io::stderr()), ColorChoice::Always | ColorChoice::AlwaysAnsi)
            }
        }
    }

    fn choice(&self) -> ColorChoice {
        match self.color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        }
    }
}

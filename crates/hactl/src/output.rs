//! Where text goes: data to standard output, everything else to standard error.

use std::io::{IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use crate::cli::ColorWhen;

/// The two streams of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    color: ColorWhen,
}

impl Output {
    pub(crate) fn new(color: ColorWhen) -> Self {
        Self { color }
    }

    /// Writes data. A reader that has gone away, as `head` does, is no error.
    pub(crate) fn data(&self, text: &str) {
        let mut stream = AutoStream::new(std::io::stdout().lock(), self.choice());
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    }

    /// Writes what is not data.
    pub(crate) fn message(&self, text: &str) {
        let mut stream = AutoStream::new(std::io::stderr().lock(), self.choice());
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    }

    /// Whether progress can be drawn.
    pub(crate) fn draws_progress(&self) -> bool {
        std::io::stderr().is_terminal()
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

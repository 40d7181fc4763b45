//! Lines on standard error, and the end of standard output.

use std::io::{self, Write as _};

use anyhow::Context as _;

use super::visible::visible_lines;

/// The reader of standard output closed it. The command ends early, without an error.
#[derive(Debug, thiserror::Error)]
#[error("the reader of the output is gone")]
pub(in crate::cli) struct ClosedOutput;

/// Writes a line to standard error. Nothing could report a failure of this.
pub(in crate::cli) fn note(line: &str) {
    note_coloured(&visible_lines(line));
}

/// Writes a line with our own colours to standard error. The text in it must be visible already.
pub(in crate::cli) fn note_coloured(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Writes a text to standard output.
pub(in crate::cli) fn print_text(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout();
    check_output(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// The outcome of a write to standard output as an error of the command.
pub(in crate::cli) fn check_output(outcome: io::Result<()>) -> anyhow::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(ClosedOutput.into()),
        outcome => outcome.context("cannot write to standard output"),
    }
}

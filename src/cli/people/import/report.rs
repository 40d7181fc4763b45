//! The output of an import: a progress bar in a terminal, refused lines on standard error, and the
//! sums.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::{Context as _, ensure};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde_json::json;

use super::reader::EmptyFile;
use crate::cli::terminal::{check_output, note, visible};

/// The tally of an import.
pub(super) struct ImportTally {
    /// The file's name in messages.
    file: String,
    bar: ProgressBar,
    pub(super) saved: u64,
    pub(super) refused: u64,
}

impl ImportTally {
    /// A tally, with a progress bar if standard error is a terminal. Without a size the bar has no
    /// end.
    pub(super) fn new(file: String, size: Option<u64>) -> Self {
        let bar = match size {
            _ if !io::stderr().is_terminal() => ProgressBar::hidden(),
            Some(size) => {
                ProgressBar::new(size).with_style(style("{wide_bar} {percent:>3} %  {msg}"))
            }
            None => ProgressBar::no_length().with_style(style("{spinner} {msg}")),
        };
        Self {
            file,
            bar,
            saved: 0,
            refused: 0,
        }
    }

    /// A function that writes a line to standard error beside the bar.
    pub(super) fn note_writer(&self) -> impl Fn(&str) + 'static {
        let bar = self.bar.clone();
        move |line| bar.suspend(|| note(line))
    }

    /// Counts and reports a refused line.
    pub(super) fn refuse(&mut self, line: u64, words: &str) {
        self.refused += 1;
        self.bar.suspend(|| {
            note(&format!(
                "{}:{line}: {}",
                visible(&self.file),
                visible(words)
            ));
        });
    }

    /// Moves the bar to this number of bytes of the file.
    pub(super) fn progress(&self, read: u64) {
        let rate = self.saved as f64 / self.bar.elapsed().as_secs_f64().max(0.001);
        let (saved, refused) = (HumanCount(self.saved), HumanCount(self.refused));
        self.bar.set_message(format!(
            "{saved} saved, {rate:.0} a second, {refused} refused"
        ));
        self.bar.set_position(read);
    }

    /// Removes the bar.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// The outcome of the import: the error that ended it, the refused lines, or an empty file.
    pub(super) fn end(
        &self,
        ended: anyhow::Result<EmptyFile>,
        were_refused: &str,
    ) -> anyhow::Result<()> {
        let emptiness = ended.context("the import is incomplete")?;
        let (refused, lines) = (self.refused, self.refused + self.saved);
        ensure!(
            refused == 0,
            "{refused} of {lines} people {were_refused}; correct those lines and import the file \
             again"
        );
        match (lines, emptiness) {
            (0, EmptyFile::NoText) => note(&format!(
                "{} is empty: there are no people to import",
                self.file
            )),
            (0, EmptyFile::HeadingsOnly) => note(&format!(
                "{} has headings, and no people below them",
                self.file
            )),
            _ => {}
        }
        Ok(())
    }

    /// Writes the sums to standard output: a sentence in a terminal, JSON in a pipe.
    pub(super) fn write_sums(&self) -> anyhow::Result<()> {
        let Self { saved, refused, .. } = self;
        let line = if io::stdout().is_terminal() {
            format!(
                "{} saved, {} refused",
                HumanCount(*saved),
                HumanCount(*refused)
            )
        } else {
            json!({"saved": saved, "refused": refused, "lines": saved + refused}).to_string()
        };
        check_output(writeln!(io::stdout(), "{line}"))
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("both templates are constants")
}

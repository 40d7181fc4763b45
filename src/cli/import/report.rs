//! What an import tells: how far it is where somebody watches, refused lines on standard error, and
//! the sums.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::{Context as _, ensure};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde_json::json;

use super::people::Nobody;
use crate::cli::gateway::{say, written};
use crate::cli::shown::visible;

/// The tally of an import.
pub(super) struct Report {
    /// The file, as refusals name it.
    file: String,
    bar: ProgressBar,
    pub(super) saved: u64,
    pub(super) refused: u64,
}

impl Report {
    /// A report with a bar where standard error is a terminal; without a size it cannot know where
    /// the end is.
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

    /// Tells something beside the bar.
    pub(super) fn teller(&self) -> impl Fn(&str) + 'static {
        let bar = self.bar.clone();
        move |line| bar.suspend(|| say(line))
    }

    /// A line was not saved.
    pub(super) fn refuse(&mut self, line: u64, words: &str) {
        self.refused += 1;
        self.bar.suspend(|| {
            say(&format!(
                "{}:{line}: {}",
                visible(&self.file),
                visible(words)
            ));
        });
    }

    /// So many bytes of the file are done.
    pub(super) fn progress(&self, read: u64) {
        let rate = self.saved as f64 / self.bar.elapsed().as_secs_f64().max(0.001);
        let (saved, refused) = (HumanCount(self.saved), HumanCount(self.refused));
        self.bar.set_message(format!(
            "{saved} saved, {rate:.0} a second, {refused} refused"
        ));
        self.bar.set_position(read);
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// How the import ended: what ended it, who was refused, or that there was nobody.
    pub(super) fn end(
        &self,
        ended: anyhow::Result<Nobody>,
        were_refused: &str,
    ) -> anyhow::Result<()> {
        let nobody = ended.context("the import is not whole")?;
        let (refused, lines) = (self.refused, self.refused + self.saved);
        ensure!(
            refused == 0,
            "{refused} of {lines} people {were_refused}; correct those lines and import the file \
             again"
        );
        match (lines, nobody) {
            (0, Nobody::Empty) => say(&format!(
                "{} is empty: there is nobody to import",
                self.file
            )),
            (0, Nobody::HeadingsOnly) => say(&format!(
                "{} has headings, and nobody below them",
                self.file
            )),
            _ => {}
        }
        Ok(())
    }

    /// The sums on standard output: a sentence in a terminal, JSON in a pipe.
    pub(super) fn sums(&self) -> anyhow::Result<()> {
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
        written(writeln!(io::stdout(), "{line}"))
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("both templates are written above")
}

//! Where `watch` writes: events to standard output, in the form that fits it; the connection's fate
//! to standard error.

use std::io;

use anstream::{AutoStream, ColorChoice};
use people_client::{Cursor, Event};
use tokio::io::{AsyncWriteExt as _, Stdout};

use super::lines;
use crate::cli::gateway::say_coloured;
use crate::cli::shown::{Form, for_stdout};

/// Standard output. Colours are for terminals, and left out where `NO_COLOR` says so.
pub(super) struct Output {
    form: Form,
    coloured: bool,
    stdout: Stdout,
}

impl Output {
    pub(super) fn new(form: Form) -> Self {
        let coloured = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        Self {
            form,
            coloured,
            stdout: tokio::io::stdout(),
        }
    }

    /// What is written about an event: whole lines, or nothing.
    pub(super) fn text(&self, event: &Event, received: Option<&str>) -> String {
        match self.form {
            // In JSON a line break can stand between tokens only, where a space means the same.
            Form::Json => received.map_or_else(String::new, |message| {
                for_stdout(&message.replace(['\r', '\n'], " ")).into_owned() + "\n"
            }),
            Form::Plain => self.coloured(&lines::lines(event)),
        }
    }

    /// The text with its colours, or without where they don't belong.
    pub(super) fn coloured(&self, text: &str) -> String {
        if self.coloured {
            text.to_owned()
        } else {
            anstream::adapter::strip_str(text).to_string()
        }
    }

    /// Writes all of it before it returns.
    pub(super) async fn write(&mut self, text: String) -> io::Result<()> {
        self.stdout.write_all(text.as_bytes()).await?;
        self.stdout.flush().await
    }
}

/// Tells what became of the connection.
pub(super) fn note(event: &Event) {
    if let Some(line) = lines::note(event) {
        say_coloured(&line);
    }
}

/// Tells how to go on another time.
pub(super) fn farewell(cursor: &Cursor) {
    say_coloured(&lines::dim(&format!("to go on from here: --from {cursor}")));
}

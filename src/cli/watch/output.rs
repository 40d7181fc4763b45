//! The output of `watch`: events on standard output, the state of the connection on standard error.

use std::io;
use std::ops::ControlFlow;
use std::pin::pin;

use anstream::{AutoStream, ColorChoice};
use people_client::{Cursor, LiveClient, LiveEvent};
use tokio::io::{AsyncWriteExt as _, Stdout};

use super::lines::{self, dim, event_lines};
use super::signals::{StopRequest, WatchSignals};
use crate::cli::terminal::{OutputForm, check_output, for_stdout, note_coloured};

/// Standard output. It has colours in a terminal, unless `NO_COLOR` is set.
pub(super) struct WatchOutput {
    form: OutputForm,
    coloured: bool,
    stdout: Stdout,
}

impl WatchOutput {
    pub(super) fn new(form: OutputForm) -> Self {
        let coloured = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        Self {
            form,
            coloured,
            stdout: tokio::io::stdout(),
        }
    }

    /// The text of an event: complete lines, or nothing.
    pub(super) fn text(&self, event: &LiveEvent, received: Option<&str>) -> String {
        match self.form {
            // JSON has line breaks between tokens only. A space there has the same meaning.
            OutputForm::Json => received.map_or_else(String::new, |message| {
                for_stdout(&message.replace(['\r', '\n'], " ")).into_owned() + "\n"
            }),
            OutputForm::Plain => self.coloured(&event_lines(event)),
        }
    }

    /// The text, without its colours if standard output must have none.
    pub(super) fn coloured(&self, text: &str) -> String {
        if self.coloured {
            text.to_owned()
        } else {
            anstream::adapter::strip_str(text).to_string()
        }
    }

    /// Writes and flushes the text.
    async fn write(&mut self, text: String) -> io::Result<()> {
        self.stdout.write_all(text.as_bytes()).await?;
        self.stdout.flush().await
    }
}

/// Writes the text, and reacts to signals during the write: a blocked pipe must not keep the
/// program alive. Breaks if the program must end at once.
pub(super) async fn write_unless_stopped(
    output: &mut WatchOutput,
    text: String,
    live: &mut LiveClient,
    signals: &mut WatchSignals,
) -> anyhow::Result<ControlFlow<()>> {
    let mut writing = pin!(output.write(text));
    loop {
        tokio::select! {
            outcome = &mut writing => return check_output(outcome).map(ControlFlow::Continue),
            request = signals.next() => match request {
                StopRequest::Graceful => live.stop(),
                StopRequest::Immediate => return Ok(ControlFlow::Break(())),
            },
        }
    }
}

/// Writes the line about an event of the connection to standard error.
pub(super) fn note_connection(event: &LiveEvent) {
    if let Some(line) = lines::connection_line(event) {
        note_coloured(&line);
    }
}

/// Writes how to continue from the last cursor to standard error.
pub(super) fn note_cursor(cursor: &Cursor) {
    note_coloured(&dim(&format!("to continue from here: --from {cursor}")));
}

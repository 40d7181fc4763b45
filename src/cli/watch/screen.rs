//! The terminal in full-screen mode: its alternate screen, without cursor and echo. Dropping the
//! screen restores the terminal.

use std::io::{self, Write as _};

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{self, LocalModes, OptionalActions, QueueSelector, Termios};

/// Enters the alternate screen and hides the cursor.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";
/// The terminal draws everything between these at once, if it supports that.
const BEGIN: &str = "\u{1b}[?2026h\u{1b}[H";
const END: &str = "\u{1b}[J\u{1b}[?2026l";
/// Clears the rest of the line.
const LINE_END: &str = "\u{1b}[K";

/// The terminal of standard output.
pub(super) struct Screen {
    /// The original modes of standard input, if it is a terminal.
    original: Option<Termios>,
}

/// The size of a terminal in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) lines: usize,
}

impl Screen {
    /// Enters full-screen mode.
    pub(super) fn enter() -> io::Result<Self> {
        let screen = Self {
            original: termios::tcgetattr(io::stdin()).ok(),
        };
        screen.take_over()?;
        Ok(screen)
    }

    /// Restores the terminal, stops this program as Ctrl-Z does, and takes the terminal over again
    /// when the program continues.
    pub(super) fn suspend(&self) -> io::Result<()> {
        self.restore();
        // SIGTSTP is caught, so SIGTTOU stops the program. Neither does in an orphaned process
        // group, which no shell would continue (POSIX.1-2024, 2.4.3).
        kill_process(getpid(), Signal::TTOU)?;
        self.take_over()
    }

    /// Switches the echo of typed characters off. A shell may have switched it on while this
    /// program was stopped.
    pub(super) fn disable_echo(&self) {
        if let Some(mut silent) = self.original.clone() {
            silent.local_modes.remove(LocalModes::ECHO);
            // An echo would only be untidy.
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &silent);
        }
    }

    /// Sets the modes first: a program in the background waits there, before it overwrites a
    /// shell's screen.
    fn take_over(&self) -> io::Result<()> {
        self.disable_echo();
        let mut out = io::stdout();
        out.write_all(ENTER.as_bytes()).and_then(|()| out.flush())
    }

    fn restore(&self) {
        // The terminal may be gone; then nothing needs to be restored.
        if let Some(original) = &self.original {
            let _ = termios::tcflush(io::stdin(), QueueSelector::IFlush);
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, original);
        }
        let mut out = io::stdout();
        let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
    }

    /// The current size; 80 by 24 if the terminal does not report it.
    pub(super) fn size() -> Size {
        match termios::tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size {
                columns: size.ws_col.into(),
                lines: size.ws_row.into(),
            },
            _ => Size {
                columns: 80,
                lines: 24,
            },
        }
    }

    /// The output that makes the screen show these lines. Each line must fit.
    pub(super) fn frame(lines: &[String]) -> String {
        let lines: Vec<String> = lines
            .iter()
            .map(|line| format!("{line}{LINE_END}"))
            .collect();
        format!("{BEGIN}{}{END}", lines.join("\r\n"))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.restore();
    }
}

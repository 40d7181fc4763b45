//! A terminal that is ours for a while: its second screen, without a cursor, and without what is
//! typed. Dropping it gives it back as it was.

use std::io::{self, Write as _};

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{self, LocalModes, OptionalActions, QueueSelector, Termios};

/// The second screen, no cursor.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";
/// What stands between these appears at once, where the terminal knows how.
const BEGIN: &str = "\u{1b}[?2026h\u{1b}[H";
const END: &str = "\u{1b}[J\u{1b}[?2026l";
/// The rest of the line is cleared, where the cursor has not run into the edge.
const LINE_END: &str = "\u{1b}[K";

/// The terminal of standard output.
pub(super) struct Screen {
    /// How standard input was, where it is a terminal.
    before: Option<Termios>,
}

/// Characters across and lines down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) lines: usize,
}

impl Screen {
    /// Takes the terminal over.
    pub(super) fn enter() -> io::Result<Self> {
        let screen = Self {
            before: termios::tcgetattr(io::stdin()).ok(),
        };
        screen.take()?;
        Ok(screen)
    }

    /// Gives the terminal back, stops this program as Ctrl-Z stops others, and takes the terminal
    /// when it goes on.
    pub(super) fn suspend(&self) -> io::Result<()> {
        self.give_back();
        // Stops as SIGTSTP does, which is caught: not where no shell is above us that would let us
        // go on (POSIX.1-2024, 2.4.3: a stop signal for an orphaned process group).
        kill_process(getpid(), Signal::TTOU)?;
        self.take()
    }

    /// Keeps what is typed from being shown. A shell that stopped us for a while may have set that
    /// otherwise.
    pub(super) fn silence(&self) {
        if let Some(mut silent) = self.before.clone() {
            silent.local_modes.remove(LocalModes::ECHO);
            // A terminal that goes on echoing is untidy, no more.
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &silent);
        }
    }

    /// First the modes: the system lets who is in the background wait here, before it writes over a
    /// shell's screen.
    fn take(&self) -> io::Result<()> {
        self.silence();
        let mut out = io::stdout();
        out.write_all(ENTER.as_bytes()).and_then(|()| out.flush())
    }

    fn give_back(&self) {
        // Whether or not the terminal is still there, there is nothing else that we could do.
        if let Some(before) = &self.before {
            let _ = termios::tcflush(io::stdin(), QueueSelector::IFlush);
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
        let mut out = io::stdout();
        let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
    }

    /// How large it is now; as the first terminals were, where it doesn't say.
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

    /// What makes the screen show these lines, each of which fits.
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
        self.give_back();
    }
}

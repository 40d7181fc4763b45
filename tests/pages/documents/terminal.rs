//! A command in its own terminal, as a reader runs it: a pseudoterminal, 100 columns wide.

use std::collections::HashMap;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Instant;

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process_group};

use people_testing::pseudoterminal::Pseudoterminal;
use people_testing::wait::DEADLINE;

/// A running command. Dropping it kills the command and the processes that the command started.
pub(crate) struct Terminal {
    child: Child,
    output: Receiver<Vec<u8>>,
    output_bytes: Vec<u8>,
}

impl Terminal {
    /// Runs a script, which ends at the first command that fails.
    pub(crate) fn run(script: &str, folder: &Path, environment: &HashMap<String, String>) -> Self {
        let terminal = Pseudoterminal::open(100, 40);
        let child = Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", script])
            .current_dir(folder)
            .env_clear()
            .envs(environment)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(terminal.side())
            .stderr(terminal.side())
            .spawn()
            .expect("bash is installed");
        let (sender, output) = sync_channel(64);
        terminal.read(move |bytes| sender.send(bytes).is_ok());
        Self {
            child,
            output,
            output_bytes: Vec::new(),
        }
    }

    /// The text on the terminal. An overwritten line has its last text.
    pub(crate) fn text(&self) -> String {
        let controls =
            Regex::new("\u{1b}(\\[[0-9;?]*[A-Za-z]|\\][^\u{1b}\u{7}]*(\u{1b}\\\\|\u{7}))")
                .expect("a pattern");
        let text = String::from_utf8_lossy(&self.output_bytes);
        // The lines of a terminal end with a carriage return, and those of HTTP with a second one.
        let lines = text.split('\n').map(|line| {
            line.trim_end_matches('\r')
                .rsplit('\r')
                .next()
                .unwrap_or_default()
        });
        controls
            .replace_all(&lines.collect::<Vec<_>>().join("\n"), "")
            .into_owned()
    }

    /// Waits until the text on the terminal is the wanted one. The error is the last text.
    pub(crate) fn until(&mut self, is: impl Fn(&str) -> bool) -> Result<(), String> {
        let deadline = Instant::now() + DEADLINE;
        while !is(&self.text()) {
            self.more(deadline).map_err(|_| self.text())?;
        }
        Ok(())
    }

    /// Waits until the command ends. Returns its status, or `None` if it does not end in time, and
    /// its text.
    pub(crate) fn end(mut self) -> (Option<ExitStatus>, String) {
        let deadline = Instant::now() + DEADLINE;
        let ended = loop {
            if let Err(error) = self.more(deadline) {
                break error == RecvTimeoutError::Disconnected;
            }
        };
        if !ended {
            return (None, self.text());
        }
        (
            Some(self.child.wait().expect("the child's status")),
            self.text(),
        )
    }

    fn more(&mut self, deadline: Instant) -> Result<(), RecvTimeoutError> {
        let bytes = self
            .output
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))?;
        self.output_bytes.extend_from_slice(&bytes);
        Ok(())
    }

    fn kill(&mut self) {
        // Fails if the processes have ended already.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.kill();
    }
}

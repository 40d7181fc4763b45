//! A command in a terminal of its own, as a reader runs it: a pseudoterminal without colours, 100
//! columns wide.

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

/// A running command. It ends with this value, and so does what it started.
pub(crate) struct Terminal {
    child: Child,
    output: Receiver<Vec<u8>>,
    written: Vec<u8>,
}

impl Terminal {
    /// Runs a script; the first command in it that fails ends it.
    pub(crate) fn run(script: &str, folder: &Path, environment: &HashMap<String, String>) -> Self {
        let sides = Pseudoterminal::open(100, 40);
        let child = Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", script])
            .current_dir(folder)
            .env_clear()
            .envs(environment)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(sides.side())
            .stderr(sides.side())
            .spawn()
            .expect("bash is installed");
        let (sender, output) = sync_channel(64);
        sides.read(move |bytes| sender.send(bytes).is_ok());
        Self {
            child,
            output,
            written: Vec::new(),
        }
    }

    /// What stands in the terminal: where a line was written over, what was written last.
    pub(crate) fn text(&self) -> String {
        let controls =
            Regex::new("\u{1b}(\\[[0-9;?]*[A-Za-z]|\\][^\u{1b}\u{7}]*(\u{1b}\\\\|\u{7}))")
                .expect("a pattern");
        let text = String::from_utf8_lossy(&self.written);
        // A terminal's lines end with a carriage return, and those of HTTP with one more.
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

    /// Waits until what stands in the terminal is this; else what stands there instead.
    pub(crate) fn until(&mut self, is: impl Fn(&str) -> bool) -> Result<(), String> {
        let deadline = Instant::now() + DEADLINE;
        while !is(&self.text()) {
            self.more(deadline).map_err(|_| self.text())?;
        }
        Ok(())
    }

    /// Waits for its end: how it ended, unless it did not end in time, and what it wrote.
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
            Some(self.child.wait().expect("its status is known")),
            self.text(),
        )
    }

    fn more(&mut self, deadline: Instant) -> Result<(), RecvTimeoutError> {
        let bytes = self
            .output
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))?;
        self.written.extend_from_slice(&bytes);
        Ok(())
    }

    fn kill(&mut self) {
        // It may have ended already.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.kill();
    }
}

//! A pseudoterminal that runs a program: its output and its modes.

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::cli::process::GatewayProcess;
use people_testing::pseudoterminal::Pseudoterminal;
use people_testing::wait::DEADLINE;

/// The end of a frame of `watch --view`.
pub(crate) const FRAME: &str = "\u{1b}[?2026l";

pub(crate) struct Terminal {
    pseudoterminal: Pseudoterminal,
    output: mpsc::Receiver<Vec<u8>>,
    /// The output that no call has returned yet.
    unread: String,
}

impl Terminal {
    pub(crate) fn open(columns: u16, lines: u16) -> Self {
        let pseudoterminal = Pseudoterminal::open(columns, lines);
        let (sender, output) = mpsc::channel(64);
        pseudoterminal.read(move |bytes| sender.blocking_send(bytes).is_ok());
        Self {
            pseudoterminal,
            output,
            unread: String::new(),
        }
    }

    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        self.pseudoterminal.resize(columns, lines);
    }

    /// Turns the echo on, as a shell does.
    pub(crate) fn echo(&self) {
        let mut modes = tcgetattr(&self.pseudoterminal.slave).unwrap();
        modes.local_modes.insert(LocalModes::ECHO);
        tcsetattr(&self.pseudoterminal.slave, OptionalActions::Now, &modes).unwrap();
    }

    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.pseudoterminal.slave)
            .unwrap()
            .local_modes
            .contains(LocalModes::ECHO)
    }

    /// Runs a command as a shell with job control does: in its own process group, which can be
    /// stopped.
    pub(crate) fn run(&self, serving: &GatewayProcess, arguments: &[&str]) -> Child {
        let mut command = serving.command(arguments);
        command.process_group(0);
        self.start(command)
    }

    pub(crate) fn start(&self, mut command: Command) -> Child {
        let pseudoterminal = &self.pseudoterminal;
        command
            .env("TERM", "xterm")
            .stdin(pseudoterminal.side())
            .stdout(pseudoterminal.side())
            .stderr(pseudoterminal.side())
            .spawn()
            .unwrap()
    }

    /// Waits until the output contains `wanted`, and returns the output since the last call.
    pub(crate) async fn until(&mut self, wanted: &str) -> String {
        while !self.unread.contains(wanted) {
            let more = timeout(DEADLINE, self.output.recv()).await;
            let more = more
                .unwrap_or_else(|_| panic!("not in time: {wanted:?} in {}", self.unread))
                .expect("the program writes");
            self.unread.push_str(&String::from_utf8_lossy(&more));
        }
        let end = self.unread.find(wanted).unwrap() + wanted.len();
        self.unread.drain(..end).collect()
    }

    /// Waits for a frame that fulfils the condition, and returns its lines.
    pub(crate) async fn frame(&mut self, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
        loop {
            let frame = self.until(FRAME).await;
            let frame = frame.rsplit("\u{1b}[H").next().unwrap();
            let plain = anstream::adapter::strip_str(frame).to_string();
            let lines: Vec<String> = plain
                .lines()
                .map(|line| line.trim_end().to_owned())
                .collect();
            if holds(&lines) {
                return lines;
            }
        }
    }
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

//! A terminal, played by a pseudoterminal: what a program writes to it, and how it is set.

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::process::{DEADLINE, Serving};

/// A frame of `watch --view` is whole.
pub(crate) const FRAME: &str = "\u{1b}[?2026l";

pub(crate) struct Terminal {
    master: File,
    slave: File,
    output: mpsc::Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    pub(crate) fn open(columns: u16, lines: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = File::from(open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap());
        let master = File::from(master);
        let mut reader = master.try_clone().unwrap();
        let (sender, output) = mpsc::channel(64);
        // Ends with the terminal.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                if sender.blocking_send(bytes[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let terminal = Self { master, slave, output, seen: String::new() };
        terminal.resize(columns, lines);
        terminal
    }

    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        tcsetwinsize(&self.master, Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    }

    /// Shows what is typed, as a shell would have it.
    pub(crate) fn echo(&self) {
        let mut modes = tcgetattr(&self.slave).unwrap();
        modes.local_modes.insert(LocalModes::ECHO);
        tcsetattr(&self.slave, OptionalActions::Now, &modes).unwrap();
    }

    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.slave).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// Runs it as a shell that knows jobs does: in a process group of its own, which can be stopped.
    pub(crate) fn run(&self, serving: &Serving, arguments: &[&str]) -> Child {
        let mut command = serving.command(arguments);
        command.process_group(0);
        self.start(command)
    }

    pub(crate) fn start(&self, mut command: Command) -> Child {
        let side = || Stdio::from(self.slave.try_clone().unwrap());
        command.env("TERM", "xterm").stdin(side()).stdout(side()).stderr(side()).spawn().unwrap()
    }

    /// Waits until something has been written since it was asked last, and gives what was.
    pub(crate) async fn until(&mut self, wanted: &str) -> String {
        while !self.seen.contains(wanted) {
            let more = timeout(DEADLINE, self.output.recv()).await;
            let more = more.unwrap_or_else(|_| panic!("not in time: {wanted:?} in {}", self.seen)).expect("it writes");
            self.seen.push_str(&String::from_utf8_lossy(&more));
        }
        let end = self.seen.find(wanted).unwrap() + wanted.len();
        self.seen.drain(..end).collect()
    }

    /// Waits for a frame of which this is true, and gives its lines.
    pub(crate) async fn frame(&mut self, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
        loop {
            let frame = self.until(FRAME).await;
            let frame = frame.rsplit("\u{1b}[H").next().unwrap();
            let plain = anstream::adapter::strip_str(frame).to_string();
            let lines: Vec<String> = plain.lines().map(|line| line.trim_end().to_owned()).collect();
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

//! `watch --view` in a terminal, played by a pseudoterminal: what stands on the screen, and that it is given back.

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::process::{DEADLINE, Serving, serving_in};

const ENTERED: &str = "\u{1b}[?1049h";
const LEFT: &str = "\u{1b}[?1049l";
const FRAME: &str = "\u{1b}[?2026l";

struct Terminal {
    master: File,
    slave: File,
    output: mpsc::Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn open(columns: u16, lines: u16) -> Self {
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

    fn resize(&self, columns: u16, lines: u16) {
        tcsetwinsize(&self.master, Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.slave).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    fn run(&self, serving: &Serving, arguments: &[&str]) -> Child {
        let side = || Stdio::from(self.slave.try_clone().unwrap());
        serving.command(arguments).env("TERM", "xterm").stdin(side()).stdout(side()).stderr(side()).spawn().unwrap()
    }

    /// Waits until something has been written since it was asked last, and gives what was.
    async fn until(&mut self, wanted: &str) -> String {
        while !self.seen.contains(wanted) {
            let more = timeout(DEADLINE, self.output.recv()).await;
            let more = more.unwrap_or_else(|_| panic!("not in time: {wanted:?} in {}", self.seen)).expect("it writes");
            self.seen.push_str(&String::from_utf8_lossy(&more));
        }
        let end = self.seen.find(wanted).unwrap() + wanted.len();
        self.seen.drain(..end).collect()
    }

    /// Waits for a frame of which this is true, and gives its lines.
    async fn frame(&mut self, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
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

fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id().unwrap()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(id).unwrap(), signal).unwrap();
}

async fn save(serving: &Serving, first: &str, age: u8) -> String {
    let age = age.to_string();
    let (code, out, _) =
        serving.run(&["save", "--first-name", first, "--last-name", "L", "--age", &age, "--job", "Chef"]).await;
    assert_eq!(code, 0);
    serde_json::from_str::<serde_json::Value>(&out).unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_table_is_kept_true_on_the_screen_and_the_terminal_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let ada = save(&serving, "Ada", 36).await;
    save(&serving, "Child", 7).await;
    let mut terminal = Terminal::open(60, 10);
    let mut child = terminal.run(&serving, &["watch", "--view", "--where", "age >= 18"]);
    terminal.until(ENTERED).await;
    let lines = terminal.frame(|lines| lines[0].starts_with("1 person  age >= 18  live")).await;
    assert_eq!(lines[1..], ["  name   age  job   attributes", "  Ada L  36   Chef"]);
    assert!(!terminal.echoes());
    save(&serving, "Bob", 40).await;
    let lines = terminal.frame(|lines| lines[0].starts_with("2 people")).await;
    assert_eq!(lines[2..], ["+ Bob L  40   Chef", "  Ada L  36   Chef"]);
    serving.run(&["delete", &ada]).await;
    let lines = terminal.frame(|lines| lines[0].starts_with("1 person")).await;
    assert!(lines[2].starts_with("- Ada L"), "who leaves is seen going: {lines:?}");
    terminal.frame(|lines| !lines.iter().any(|line| line.contains("Ada"))).await;
    for age in 20..40 {
        save(&serving, "Many", age).await;
    }
    terminal.resize(20, 5);
    signal(&child, Signal::WINCH);
    let lines = terminal.frame(|lines| lines[0].starts_with("21 people") && lines.len() == 5).await;
    assert_eq!(lines[4], "  and 19 more");
    assert!(lines.iter().all(|line| line.chars().count() <= 20), "{lines:?}");
    signal(&child, Signal::INT);
    terminal.until(LEFT).await;
    terminal.until("--from 0:").await;
    let code = timeout(DEADLINE, child.wait()).await.expect("it ends").unwrap().code();
    assert_eq!((code, terminal.echoes()), (Some(0), true));
}

#[tokio::test]
async fn a_faulty_filter_is_told_on_the_screen_that_was_there_before() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let mut terminal = Terminal::open(60, 10);
    let mut child = terminal.run(&serving, &["watch", "--view", "--where", "age = 1"]);
    terminal.until(LEFT).await;
    terminal.until("age = 1\r\n      ^").await;
    assert_eq!(timeout(DEADLINE, child.wait()).await.expect("it ends").unwrap().code(), Some(1));
}

#[tokio::test]
async fn in_a_terminal_people_are_lines_to_read() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let ada = save(&serving, "Ada", 36).await;
    let mut terminal = Terminal::open(100, 10);
    for (arguments, shown) in [
        (&["get", &ada][..], "Ada L, 36, Chef\u{1b}[0m\r\n"),
        (&["export"], &format!("{ada}  Ada L, 36, Chef\r\n")),
        (&["watch", "--snapshot"], &format!("= is    \u{1b}[0m {ada}  Ada L, 36, Chef\r\n")),
    ] {
        let mut child = terminal.run(&serving, arguments);
        terminal.until(shown).await;
        signal(&child, Signal::TERM);
        timeout(DEADLINE, child.wait()).await.expect("it ends").unwrap();
    }
}

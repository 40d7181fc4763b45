//! A gateway as a process of the system: signals, open files and memory.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Instant;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use super::Gateway;
use crate::wait::DEADLINE;

impl Gateway {
    /// Sends a signal to the process.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process is ours");
    }

    /// The process's id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Suspends the process, and waits until none of its threads runs.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        let tasks = format!("/proc/{}/task", self.child.id());
        let runs = || {
            let tasks = fs::read_dir(&tasks).expect("the process is there");
            tasks.flatten().any(|task| {
                let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
                let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
                state.flatten() != Some('T')
            })
        };
        let deadline = Instant::now() + DEADLINE;
        while runs() {
            assert!(Instant::now() < deadline, "the process is not suspended");
            std::thread::yield_now();
        }
    }

    /// Resumes the process after [`Gateway::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Limits the length of the files that the process writes; none means no limit of its own.
    pub fn limit_file_length(&self, bytes: Option<u64>) {
        let bytes = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        // The soft limit alone, so that anybody may raise it again. Only its own user may set the
        // limits of a process.
        let mut command = Command::new("prlimit");
        command
            .arg(format!("--pid={}", self.child.id()))
            .arg(format!("--fsize={bytes}:"));
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        let status = command.status().expect("prlimit is installed");
        assert!(status.success(), "the limit cannot be set");
    }

    /// Limits the process to `left` more open files than it has now.
    pub fn leave_files(&self, left: u64) {
        let open = fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .expect("the process is there")
            .count() as u64;
        let limit = Rlimit {
            current: Some(open + left),
            maximum: Some(open + left),
        };
        prlimit(Some(self.pid()), Resource::Nofile, limit).expect("the process is ours");
    }

    /// A field of `/proc/PID/status` in KiB, such as `VmRSS`.
    pub fn memory_kib(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("the process is there");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.and_then(|line| line.trim().strip_suffix(" kB"))
            .expect("the field is there")
            .parse()
            .expect("a number")
    }
}

//! A test treats a gateway as the system's process: signals, open files, memory.

use std::fs;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use super::Gateway;

impl Gateway {
    /// Sends the process a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process is ours");
    }

    /// The process's id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Lets the process open so many files more than it has open now.
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

    /// A row of `/proc/PID/status` in KiB, such as `VmRSS`.
    pub fn memory_kib(&self, row: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("the process is there");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(row)?.strip_prefix(':'));
        line.and_then(|line| line.trim().strip_suffix(" kB"))
            .expect("such a row")
            .parse()
            .expect("a number")
    }
}

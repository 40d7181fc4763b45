//! A gateway as a process of the system: signals, open files and memory.

use std::fs;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use super::Gateway;

impl Gateway {
    /// Sends a signal to the process.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process is ours");
    }

    /// The process's id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
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

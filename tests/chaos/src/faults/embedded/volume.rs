//! A small disk of a run's own: a tmpfs in a namespace of a process that holds it. Others reach it
//! through `/proc/PID/root`. No rights are needed where the kernel lets users make namespaces.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Mounts the disk, says so, and holds it until its input ends.
const HOLD: &str = r#"mount -t tmpfs -o "size=$1" people-chaos "$2" && echo mounted && exec cat"#;

pub(super) struct Volume {
    holder: Child,
    root: PathBuf,
    _mounted_at: tempfile::TempDir,
}

impl Volume {
    /// A disk of so many bytes; none where the machine does not let users mount one.
    pub(super) fn mount(bytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut holder = Command::new("unshare")
            .args([
                "--user",
                "--map-root-user",
                "--mount",
                "sh",
                "-c",
                HOLD,
                "sh",
            ])
            .arg(bytes.to_string())
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let said = holder.stdout.as_mut().expect("a pipe");
        let read = BufReader::new(said).read_line(&mut line);
        let seen_by_others = format!("/proc/{}/root{}", holder.id(), folder.path().display());
        let volume = Self {
            holder,
            root: seen_by_others.into(),
            _mounted_at: folder,
        };
        (read.is_ok() && line == "mounted\n").then_some(volume)
    }

    /// A folder on it that does not exist yet.
    pub(super) fn folder(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Takes all the room that is left.
    pub(super) fn fill(&self) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.filler());
        let file = file.as_mut().expect("a file");
        let chunk = [7; 4096];
        while file.write_all(&chunk).is_ok() {}
    }

    /// Gives that room back.
    pub(super) fn clear(&self) {
        fs::remove_file(self.filler()).expect("it was filled");
    }

    fn filler(&self) -> PathBuf {
        self.root.join("filler")
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

//! A start that the program may refuse, and a process of another user.

use std::fs;
use std::io::{self, BufReader};
use std::os::unix::fs::lchown;
use std::path::Path;

use super::Gateway;
use crate::wait::eventually;

/// The end of a start.
#[derive(Debug)]
pub struct Refusal {
    /// None if a signal ended the process.
    pub code: Option<i32>,
    /// The last line of the log.
    pub sentence: String,
}

impl Gateway {
    /// Starts the process again after [`Gateway::kill9`], and waits until it is ready, or ends.
    pub async fn try_restart(&mut self) -> Result<(), Refusal> {
        let mut child = self.command().spawn().expect("the program starts");
        self.stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        self.child = child;
        let mut ended = None;
        eventually("the gateway is ready, or ends", async || {
            ended = self.child.try_wait().expect("the process is ours");
            ended.is_some() || self.readyz().await == 200
        })
        .await;
        ended.map_or(Ok(()), |status| {
            let log = self.log();
            let sentence = log.lines().last().unwrap_or_default().to_owned();
            let code = status.code();
            Err(Refusal { code, sentence })
        })
    }

    /// From its next start on, another user runs the process and owns its folder. Only root may do
    /// this. The user must be able to reach the program.
    pub fn run_as(&mut self, user: u32) {
        give(self.folder.path(), user).expect("root may do this");
        self.user = Some(user);
    }
}

fn give(path: &Path, user: u32) -> io::Result<()> {
    lchown(path, Some(user), Some(user))?;
    if path.symlink_metadata()?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}

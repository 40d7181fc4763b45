//! The gateway for the commands of a document, with free ports and a temporary folder that links to
//! the folders of the repository.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use crate::documents::markdown::root;
use people_testing::wait::DEADLINE;

/// The addresses that the documents name.
const ADDRESS: &str = "127.0.0.1:8080";
const ADMIN: &str = "127.0.0.1:9091";

pub(crate) struct Gateway {
    child: Child,
    /// Kept open, because the program may write more after its welcome.
    _stdout: BufReader<ChildStdout>,
    folder: TempDir,
    address: String,
    admin: String,
    welcome: String,
}

impl Gateway {
    /// Starts a gateway, and waits until it is ready.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["examples", "clients"] {
            symlink(root().join(name), folder.path().join(name)).expect("a link");
        }
        let mut child = Command::new(people_testing::program())
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .current_dir(folder.path())
            .env_clear()
            // On a busy machine a command takes longer than the pause between two pings, and the
            // documents show none.
            .env("PEOPLE_GATEWAY__LIVE__PING_INTERVAL_MS", "600000")
            .env("PEOPLE_GATEWAY__LIVE__SILENCE_LIMIT_MS", "900000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut welcome = String::new();
        // The line after `try:` is the last one.
        while !welcome.contains("curl ") {
            assert_ne!(
                stdout.read_line(&mut welcome).expect("text"),
                0,
                "the program ended: {welcome}"
            );
        }
        let (address, admin) = (address(&welcome, "console"), address(&welcome, "admin"));
        let gateway = Self {
            child,
            _stdout: stdout,
            folder,
            address,
            admin,
            welcome,
        };
        gateway.wait_ready();
        gateway
    }

    fn wait_ready(&self) {
        let deadline = Instant::now() + DEADLINE;
        let ready = || {
            let mut command = Command::new(people_testing::program());
            command
                .args(["health", "--admin-listen", &self.admin])
                .stderr(Stdio::null());
            command.status().expect("the program starts").success()
        };
        while !ready() {
            assert!(
                Instant::now() < deadline,
                "the gateway is not ready in time"
            );
        }
    }

    /// The working folder of the commands.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The welcome, with the addresses of the documents.
    pub(crate) fn welcome(&self) -> String {
        self.with_document_addresses(&self.welcome)
    }

    /// A command of a document, with this gateway's addresses and the built program.
    pub(crate) fn command(&self, text: &str) -> String {
        let text = text.replace("cargo run --release -- ", "people-gateway ");
        text.replace(ADDRESS, &self.address)
            .replace(ADMIN, &self.admin)
    }

    /// The output of a command, with the addresses of the documents.
    pub(crate) fn with_document_addresses(&self, text: &str) -> String {
        text.replace(&self.address, ADDRESS)
            .replace(&self.admin, ADMIN)
    }

    /// The environment of the commands.
    pub(crate) fn environment(&self) -> HashMap<String, String> {
        let program = people_testing::program();
        let built = program.parent().expect("a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let pairs = [
            ("PATH", format!("{}:{path}", built.display())),
            ("HOME", self.folder().display().to_string()),
            ("PEOPLE_GATEWAY_URL", format!("http://{}", self.address)),
            ("NO_COLOR", "1".to_owned()),
            ("TERM", "xterm".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ];
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// The address on the line of the welcome that begins with this word.
fn address(welcome: &str, word: &str) -> String {
    let line = welcome
        .lines()
        .find(|line| line.trim_start().starts_with(word))
        .expect("the welcome has the line");
    let (_, rest) = line.split_once("http://").expect("an address");
    rest.split('/').next().expect("a part").to_owned()
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

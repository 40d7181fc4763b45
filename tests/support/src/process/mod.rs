//! The program as an operator runs it: a process with its own ports, killed when it is dropped.

mod attempt;
mod metrics;
mod people;
pub mod settings;
mod system;
mod welcome;

use std::fs::{self, OpenOptions};
use std::io::{BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use self::welcome::welcome;
use people_core::sabotage::VARIABLE;

use crate::port::free_port;
use crate::program;
use crate::wait::{DEADLINE, eventually};

pub use self::attempt::Refusal;
pub use self::people::person;

/// A running gateway.
pub struct Gateway {
    child: Child,
    /// Kept open, because the program may write more after its welcome.
    stdout: BufReader<ChildStdout>,
    settings: Vec<(String, String)>,
    /// Variables of its environment beside the settings.
    environment: Vec<(&'static str, PathBuf)>,
    /// The user that runs the process; none means the one that runs the tests.
    user: Option<u32>,
    folder: TempDir,
    pub address: SocketAddr,
    pub admin: SocketAddr,
    /// Sent with each request, where callers need a token.
    pub token: Option<String>,
    http: reqwest::Client,
}

/// A process that listens, and the rest of its standard output.
struct ListeningProcess {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Gateway {
    /// Starts a gateway with these settings, such as `store.url`, and waits until it listens.
    /// Without a `store.url` it has an embedded store in its own folder.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        Self::configured(settings, Vec::new()).await
    }

    /// Starts a gateway that trusts only the certificates of this authority.
    pub async fn trusting(authority: &Path, settings: &[(&str, &str)]) -> Self {
        Self::configured(settings, vec![("SSL_CERT_FILE", authority.to_owned())]).await
    }

    async fn configured(
        settings: &[(&str, &str)],
        environment: Vec<(&'static str, PathBuf)>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut all = vec![
            ("listen".to_owned(), format!("127.0.0.1:{}", free_port())),
            (
                "admin.listen".to_owned(),
                format!("127.0.0.1:{}", free_port()),
            ),
            (
                "store.url".to_owned(),
                format!("embedded:{}", folder.path().join("data").display()),
            ),
        ];
        for (key, value) in settings {
            all.retain(|(known, _)| known != key);
            all.push(((*key).to_owned(), (*value).to_owned()));
        }
        let process = start_process(command(&all, &environment, &folder)).await;
        let http = reqwest::Client::builder()
            .timeout(DEADLINE)
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .expect("a client");
        Self {
            child: process.child,
            stdout: process.stdout,
            settings: all,
            environment,
            user: None,
            folder,
            address: process.address,
            admin: process.admin,
            token: None,
            http,
        }
    }

    /// Starts a gateway, and waits until it is ready.
    pub async fn ready(settings: &[(&str, &str)]) -> Self {
        let gateway = Self::start(settings).await;
        gateway.wait_ready().await;
        gateway
    }

    /// Waits until `/readyz` is green.
    pub async fn wait_ready(&self) {
        eventually("the gateway is ready", || async {
            self.readyz().await == 200
        })
        .await;
    }

    /// The status of `/readyz`; 0 without an answer.
    pub async fn readyz(&self) -> u16 {
        let answer = self
            .http
            .get(format!("http://{}/readyz", self.admin))
            .send()
            .await;
        answer.map_or(0, |answer| answer.status().as_u16())
    }

    /// The log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).expect("the log")
    }

    /// Waits until the process ends. Returns its exit code, or `None` if a signal ended it.
    pub async fn exit_code(&mut self) -> Option<i32> {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the process is ours") {
                return status.code();
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "the process does not end"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills the process, and starts it again at the same addresses with the same data.
    pub async fn kill9_and_restart(mut self) -> Self {
        self.kill9_and_start().await;
        self
    }

    /// The same, in place.
    pub async fn kill9_and_start(&mut self) {
        self.kill9();
        self.restart().await;
    }

    /// Kills the process.
    pub fn kill9(&mut self) {
        self.child.kill().expect("the process is ours");
        self.child.wait().expect("it ends");
    }

    /// The same, with these variables in its environment from now on.
    pub async fn kill9_and_start_with(&mut self, environment: &[(&'static str, PathBuf)]) {
        self.environment.extend_from_slice(environment);
        self.kill9_and_start().await;
    }

    /// Starts the process again after [`Gateway::kill9`], at the same addresses with the same data.
    pub async fn restart(&mut self) {
        let process = start_process(self.command()).await;
        (self.child, self.stdout) = (process.child, process.stdout);
    }

    /// The command that starts the process again.
    fn command(&mut self) -> Command {
        self.settings
            .retain(|(key, _)| key != "listen" && key != "admin.listen");
        self.settings
            .push(("listen".into(), self.address.to_string()));
        self.settings
            .push(("admin.listen".into(), self.admin.to_string()));
        let mut command = command(&self.settings, &self.environment, &self.folder);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The folder of this gateway, with its data and its log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::env::var_os("TEST_LOG").is_some() {
            let _ = std::io::stderr().write_all(self.log().as_bytes());
        }
    }
}

/// The command that starts the program.
fn command(
    settings: &[(String, String)],
    environment: &[(&str, PathBuf)],
    folder: &TempDir,
) -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log_to(folder));
    for (key, value) in settings {
        let name = key.to_uppercase().replace('.', "__");
        command.env(format!("PEOPLE_GATEWAY__{name}"), value);
    }
    command.envs(environment.iter().cloned());
    // A planted bug, in builds that have them.
    command.envs(std::env::var_os(VARIABLE).map(|name| (VARIABLE, name)));
    command
}

/// Starts the program, and waits until it listens.
async fn start_process(mut command: Command) -> ListeningProcess {
    let mut child = command.spawn().expect("the program starts");
    let stdout = child.stdout.take().expect("a pipe");
    let welcome = tokio::task::spawn_blocking(move || welcome(stdout));
    let (stdout, address, admin) = tokio::time::timeout(DEADLINE, welcome)
        .await
        .expect("it listens in time")
        .expect("it does not panic");
    ListeningProcess {
        child,
        stdout,
        address,
        admin,
    }
}

/// The log file in a gateway's folder. With `TEST_LOG` set, dropping the gateway prints the log.
const LOG: &str = "gateway.log";

fn log_to(folder: &TempDir) -> Stdio {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.path().join(LOG));
    file.expect("the log file opens").into()
}

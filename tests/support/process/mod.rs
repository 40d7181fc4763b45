//! The program itself, as an operator runs it: a process with ports of its own, gone when it is
//! dropped.

mod metrics;
mod people;
mod system;
mod welcome;

use std::fs::{self, OpenOptions};
use std::io::{BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use self::welcome::welcome;
use super::support::port::free_port;

pub(crate) use self::people::person;

/// How long anything may take before a test gives up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A running gateway.
pub(crate) struct Gateway {
    child: Child,
    /// Kept open: the program may write more than its welcome.
    _stdout: BufReader<ChildStdout>,
    settings: Vec<(String, String)>,
    /// Whose certificates it believes, in place of those whom the machine does.
    authority: Option<PathBuf>,
    folder: TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    http: reqwest::Client,
}

impl Gateway {
    /// Starts a gateway with these settings (`store.url` and so on) and waits until it listens.
    /// Without a `store.url` it has an embedded store in a folder of its own.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::configured(settings, None).await
    }

    /// The same; it believes nobody but this authority.
    pub(crate) async fn trusting(authority: &Path, settings: &[(&str, &str)]) -> Self {
        Self::configured(settings, Some(authority.to_owned())).await
    }

    async fn configured(settings: &[(&str, &str)], authority: Option<PathBuf>) -> Self {
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
        Self::spawn(all, authority, folder).await
    }

    /// Starts a gateway, and waits until it is ready.
    pub(crate) async fn ready(settings: &[(&str, &str)]) -> Self {
        let gateway = Self::start(settings).await;
        gateway.wait_ready().await;
        gateway
    }

    async fn spawn(
        settings: Vec<(String, String)>,
        authority: Option<PathBuf>,
        folder: TempDir,
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_people-gateway"));
        command
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_to(&folder));
        for (key, value) in &settings {
            command.env(
                format!("PEOPLE_GATEWAY__{}", key.to_uppercase().replace('.', "__")),
                value,
            );
        }
        command.envs(authority.iter().map(|file| ("SSL_CERT_FILE", file)));
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("a pipe");
        let welcome = tokio::task::spawn_blocking(move || welcome(stdout));
        let (stdout, address, admin) = tokio::time::timeout(DEADLINE, welcome)
            .await
            .expect("it listens in time")
            .expect("it does not panic");
        let http = reqwest::Client::builder()
            .timeout(DEADLINE)
            .pool_max_idle_per_host(0)
            .build()
            .expect("a client");
        Self {
            child,
            _stdout: stdout,
            settings,
            authority,
            folder,
            address,
            admin,
            http,
        }
    }

    /// Waits until `/readyz` is green.
    pub(crate) async fn wait_ready(&self) {
        eventually("the gateway is ready", || async {
            self.readyz().await == 200
        })
        .await;
    }

    /// The status of `/readyz`; 0 when nobody answers.
    pub(crate) async fn readyz(&self) -> u16 {
        let answer = self
            .http
            .get(format!("http://{}/readyz", self.admin))
            .send()
            .await;
        answer.map_or(0, |answer| answer.status().as_u16())
    }

    /// What the program has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).expect("the log")
    }

    /// Waits for the end of the process; its exit code, none when a signal ended it.
    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
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

    /// Ends the process without a word, and starts it again at the same addresses with the same
    /// data.
    pub(crate) async fn kill9_and_restart(mut self) -> Self {
        self.signal(Signal::KILL);
        self.exit_code().await;
        let mut settings = self.settings.clone();
        settings.retain(|(key, _)| key != "listen" && key != "admin.listen");
        settings.push(("listen".into(), self.address.to_string()));
        settings.push(("admin.listen".into(), self.admin.to_string()));
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"));
        let authority = self.authority.take();
        Self::spawn(settings, authority, folder).await
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::env::var_os("TEST_LOG").is_some() {
            let _ = std::io::stderr().write_all(self.log().as_bytes());
        }
    }
}

/// Waits until `condition` holds, or fails the test after [`DEADLINE`].
pub(crate) async fn eventually<F: Future<Output = bool>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while !condition().await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "not in time: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The file in a gateway's folder that takes its log. With `TEST_LOG` set it is shown at the end.
const LOG: &str = "gateway.log";

fn log_to(folder: &TempDir) -> Stdio {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.path().join(LOG));
    file.expect("a file in our own folder").into()
}

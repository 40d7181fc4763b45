//! The gateway of a test: a process with its own port and folder; dropping it ends it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::port::free_port;

/// The limit of every wait in these tests.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Gateway {
    process: Child,
    folder: TempDir,
    address: SocketAddr,
    http: reqwest::Client,
}

impl Gateway {
    /// Starts a gateway, and waits until it listens.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (process, address) = spawn(([127, 0, 0, 1], free_port()).into(), folder.path()).await;
        let http = reqwest::Client::builder()
            .timeout(DEADLINE)
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            process,
            folder,
            address,
            http,
        }
    }

    /// The address of its port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The test's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The JSON of a successful response, or null without a body. A null `body` sends none.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut request = self
            .http
            .request(method.parse().expect("a method"), self.url(path));
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request
            .send()
            .await
            .expect("an answer")
            .error_for_status()
            .expect("a success");
        serde_json::from_str(&answer.text().await.expect("text")).unwrap_or(Value::Null)
    }

    /// Saves a person and returns its id.
    pub(crate) async fn save(&self, person: &Value) -> String {
        self.call("POST", "/people", person).await["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// Kills the process.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
    }

    /// Restarts it after [`Gateway::kill`], on the same port with the same people.
    pub(crate) async fn restart(&mut self) {
        (self.process, self.address) = spawn(self.address, self.folder.path()).await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until a condition holds; panics after [`DEADLINE`] with the last state.
pub(crate) async fn eventually(what: &str, mut look: impl AsyncFnMut() -> Result<(), String>) {
    let deadline = Instant::now() + DEADLINE;
    while let Err(seen) = look().await {
        assert!(
            Instant::now() < deadline,
            "not in time: {what}; last seen: {seen}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn spawn(listen: SocketAddr, folder: &Path) -> (Child, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_people-gateway"));
    command.args([
        "--listen",
        &listen.to_string(),
        "--admin-listen",
        "127.0.0.1:0",
        "--store",
    ]);
    command
        .arg(format!("embedded:{}", folder.join("data").display()))
        .current_dir(folder);
    let mut process = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let stdout = BufReader::new(process.stdout.take().expect("a pipe"));
    let address = tokio::task::spawn_blocking(move || {
        let mut lines = stdout
            .lines()
            .map_while(Result::ok)
            .filter(|line| line.contains("REST and live updates"));
        lines.next().and_then(|line| {
            line.split_once("http://")?
                .1
                .split('/')
                .next()?
                .parse()
                .ok()
        })
    });
    let address = tokio::time::timeout(DEADLINE, address)
        .await
        .expect("it listens in time")
        .expect("no panic");
    (process, address.expect("the welcome has the address"))
}

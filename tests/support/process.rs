//! The program itself, as an operator runs it: a process with ports of its own, gone when it is dropped.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::socket::Listener;
use super::support::port::free_port;

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
    /// Starts a gateway with these settings (`store.url` and so on) and waits until it listens. Without a `store.url`
    /// it has an embedded store in a folder of its own.
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
            ("admin.listen".to_owned(), format!("127.0.0.1:{}", free_port())),
            ("store.url".to_owned(), format!("embedded:{}", folder.path().join("data").display())),
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

    async fn spawn(settings: Vec<(String, String)>, authority: Option<PathBuf>, folder: TempDir) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_people-gateway"));
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_to(&folder));
        for (key, value) in &settings {
            command.env(format!("PEOPLE_GATEWAY__{}", key.to_uppercase().replace('.', "__")), value);
        }
        command.envs(authority.iter().map(|file| ("SSL_CERT_FILE", file)));
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("a pipe");
        let welcome = tokio::task::spawn_blocking(move || welcome(stdout));
        let (stdout, address, admin) =
            tokio::time::timeout(DEADLINE, welcome).await.expect("it listens in time").expect("it does not panic");
        let http = reqwest::Client::builder().timeout(DEADLINE).pool_max_idle_per_host(0).build().expect("a client");
        Self { child, _stdout: stdout, settings, authority, folder, address, admin, http }
    }

    /// Waits until `/readyz` is green.
    pub(crate) async fn wait_ready(&self) {
        eventually("the gateway is ready", || async { self.readyz().await == 200 }).await;
    }

    /// The status of `/readyz`; 0 when nobody answers.
    pub(crate) async fn readyz(&self) -> u16 {
        let answer = self.http.get(format!("http://{}/readyz", self.admin)).send().await;
        answer.map_or(0, |answer| answer.status().as_u16())
    }

    /// The value of a metric without labels, or the sum over all its labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        self.samples(name).await.iter().map(|(_, value)| value.parse::<f64>().expect("a number")).sum()
    }

    /// The value of a counter without labels, or the sum over all its labels.
    pub(crate) async fn count(&self, name: &str) -> u64 {
        self.samples(name).await.iter().map(|(_, value)| value.parse::<u64>().expect("a count")).sum()
    }

    /// The value of a counter at these labels, as in `reason="forked"`; 0 before it was first counted.
    pub(crate) async fn count_at(&self, name: &str, labels: &str) -> u64 {
        let samples = self.samples(name).await;
        let sample = samples.iter().find(|(key, _)| key == labels);
        sample.map_or(0, |(_, value)| value.parse().expect("a count"))
    }

    /// Labels and value of each line of a metric.
    async fn samples(&self, name: &str) -> Vec<(String, String)> {
        let text = self.http.get(format!("http://{}/metrics", self.admin)).send().await.expect("metrics");
        let text = text.text().await.expect("text");
        let full = format!("people_gateway_{name}");
        let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
        let samples = lines.filter_map(|(key, value)| {
            let (name, labels) = key.split_once('{').unwrap_or((key, "}"));
            (name == full).then(|| (labels.trim_end_matches('}').to_owned(), value.to_owned()))
        });
        samples.collect()
    }

    /// What the program has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).expect("the log")
    }

    /// A request to the public listener.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method.parse().expect("a method"), format!("http://{}{path}", self.address))
    }

    /// Saves a person under this id; tries again until the store takes it.
    pub(crate) async fn save(&self, id: &str, person: &Value) {
        eventually("the person is saved", || async {
            let answer = self.put(id, person, true).await;
            if answer == 412 { self.put(id, person, false).await == 200 } else { answer == 201 }
        })
        .await;
    }

    /// One `PUT`; the status, or 0 when nobody answered.
    pub(crate) async fn put(&self, id: &str, person: &Value, new: bool) -> u16 {
        let mut request = self.request("PUT", &format!("/people/{id}")).header("content-type", "application/json");
        if new {
            request = request.header("if-none-match", "*");
        }
        request.body(person.to_string()).send().await.map_or(0, |answer| answer.status().as_u16())
    }

    /// Creates a person, and returns the id.
    pub(crate) async fn create(&self, person: &Value) -> String {
        let request = self.request("POST", "/people").header("content-type", "application/json");
        let answer = request.body(person.to_string()).send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
        let saved: Value = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
        saved["id"].as_str().expect("an id").to_owned()
    }

    /// Deletes a person; the status, or 0 when nobody answered.
    pub(crate) async fn delete(&self, id: &str) -> u16 {
        let answer = self.request("DELETE", &format!("/people/{id}")).send().await;
        answer.map_or(0, |answer| answer.status().as_u16())
    }

    /// Opens a WebSocket at `/people` with this query.
    pub(crate) async fn listen(&self, query: &str) -> Listener {
        Listener::open(self.address, &format!("/people{query}")).await
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process is ours");
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Lets the process open so many files more than it has open now.
    pub(crate) fn leave_files(&self, left: u64) {
        let open = fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("the process is there").count() as u64;
        let limit = Rlimit { current: Some(open + left), maximum: Some(open + left) };
        prlimit(Some(self.pid()), Resource::Nofile, limit).expect("the process is ours");
    }

    /// A row of `/proc/PID/status` in KiB, such as `VmRSS`.
    pub(crate) fn memory_kib(&self, row: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the process is there");
        let line = status.lines().find_map(|line| line.strip_prefix(row)?.strip_prefix(':'));
        line.and_then(|line| line.trim().strip_suffix(" kB")).expect("such a row").parse().expect("a number")
    }

    /// Waits for the end of the process; its exit code, none when a signal ended it.
    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the process is ours") {
                return status.code();
            }
            assert!(tokio::time::Instant::now() < deadline, "the process does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends the process without a word, and starts it again at the same addresses with the same data.
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

/// A person named `first`.
pub(crate) fn person(first: &str) -> Value {
    json!({"firstName": first, "lastName": "Lovelace", "age": 36, "job": "Mathematician"})
}

/// Waits until `condition` holds, or fails the test after [`DEADLINE`].
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The file in a gateway's folder that takes its log. With `TEST_LOG` set it is shown at the end.
const LOG: &str = "gateway.log";

fn log_to(folder: &TempDir) -> Stdio {
    let file = OpenOptions::new().create(true).append(true).open(folder.path().join(LOG));
    file.expect("a file in our own folder").into()
}

/// Reads the welcome up to the addresses.
fn welcome(stdout: ChildStdout) -> (BufReader<ChildStdout>, SocketAddr, SocketAddr) {
    let mut stdout = BufReader::new(stdout);
    let (mut public, mut line) = (None, String::new());
    loop {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).expect("text"), 0, "the program ended before it listened");
        if let Ok(told) = serde_json::from_str::<Value>(&line) {
            let address = |key: &str| told[key].as_str()?.strip_prefix("http://")?.split('/').next()?.parse().ok();
            let [public, admin] = ["REST and live updates", "admin"].map(|key| address(key).expect("an address"));
            return (stdout, public, admin);
        }
        let address = || line.split_once("http://")?.1.split('/').next()?.parse().ok();
        match (line.trim_start().split("  ").next(), address()) {
            (Some("REST and live updates"), address @ Some(_)) => public = address,
            (Some("admin"), Some(admin)) => return (stdout, public.expect("the public address comes first"), admin),
            _ => {}
        }
    }
}

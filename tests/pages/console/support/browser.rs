//! A Chromium for one test, with its own driver, port and profile folder; dropping it stops it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;

use people_testing::wait::{DEADLINE, eventually_ok};

/// Flags of Chromium: no sandbox (tests may run as root), no background services.
const FLAGS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--no-proxy-server",
    "--window-size=1280,900",
    // A foreign host name, for pages of another origin.
    "--host-resolver-rules=MAP other.example 127.0.0.1",
];

/// The fields drop in order: the driver, which stops the browser, before the folder.
pub(crate) struct Browser {
    session: WebDriver,
    driver: Driver,
    _folder: TempDir,
}

/// The `chromedriver` process, the leader of a process group with its browser.
struct Driver {
    process: Child,
    port: u16,
    /// Stays open, because the process keeps writing.
    _output: BufReader<ChildStdout>,
}

impl Browser {
    /// Opens a page.
    pub(crate) async fn open(url: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let driver = Driver::start(folder.path()).await;
        let mut capabilities = DesiredCapabilities::chrome();
        for flag in FLAGS {
            capabilities.add_arg(flag).expect("a flag");
        }
        capabilities
            .add_arg(&format!(
                "--user-data-dir={}",
                folder.path().join("profile").display()
            ))
            .expect("a flag");
        capabilities
            .set("goog:loggingPrefs", json!({"browser": "ALL"}))
            .expect("a preference");
        let session = WebDriver::new(format!("http://127.0.0.1:{}", driver.port), capabilities)
            .await
            .expect("a browser");
        // Dropping the session would block the runtime that it needs to end. The driver stops the
        // browser instead.
        session.clone().leak().expect("the session is open");
        session.goto(url).await.expect("the page loads");
        Self {
            session,
            driver,
            _folder: folder,
        }
    }

    /// Runs a script. Returns its result, or the error that it threw.
    async fn evaluate(&self, script: &str) -> Result<Value, String> {
        let value = self
            .session
            .execute(script, Vec::new())
            .await
            .map_err(|error| error.to_string())?;
        Ok(value.json().clone())
    }

    /// Waits until no form is open.
    pub(crate) async fn wait_for_closed_form(&self) {
        let dialog = "document.querySelector('dialog')";
        self.shows("the form is closed", dialog, Value::Null).await;
    }

    /// Waits until an expression in the page has a value.
    pub(crate) async fn shows(&self, what: &str, expression: &str, value: Value) {
        let script = format!("return {expression}");
        eventually_ok(what, async || match self.evaluate(&script).await {
            Ok(actual) if actual == value => Ok(()),
            actual => Err(format!("{actual:?}")),
        })
        .await;
    }

    /// Waits until the page is live.
    pub(crate) async fn live(&self) {
        self.shows(
            "the page is live",
            "document.querySelector('.status')?.dataset.state",
            json!("live"),
        )
        .await;
    }

    /// Waits until the table has exactly these people, by name in alphabetical order.
    pub(crate) async fn people(&self, names: &[&str]) {
        let rows = "[...document.querySelectorAll('tr[id^=person-] .name')]";
        // The cell of the name may also have a tag for the last change.
        let name = "[...cell.childNodes].map((node) => node.data ?? '').join('')";
        self.shows(
            "the rows",
            &format!("{rows}.map((cell) => {name}).sort()"),
            json!(names),
        )
        .await;
    }

    /// Runs a script.
    pub(crate) async fn run(&self, script: &str) {
        self.evaluate(script).await.expect("the script runs");
    }

    /// Replaces the text of a field.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let field = self.element(selector).await;
        // The page may restore a text that a script has cleared, so the test types instead.
        field
            .send_keys(Key::Control + "a")
            .await
            .expect("the text is selected");
        field.send_keys(text).await.expect("the field takes text");
    }

    /// Types into an element, or chooses a file.
    pub(crate) async fn send(&self, selector: &str, text: &str) {
        self.element(selector)
            .await
            .send_keys(text)
            .await
            .expect("the element takes text");
    }

    pub(crate) async fn click(&self, selector: &str) {
        self.element(selector)
            .await
            .click()
            .await
            .expect("the element can be clicked");
    }

    async fn element(&self, selector: &str) -> WebElement {
        let present = format!("document.querySelector({}) !== null", json!(selector));
        self.shows(selector, &present, json!(true)).await;
        self.session
            .find(By::Css(selector))
            .await
            .expect("it is there")
    }

    /// Writes a screenshot to a PNG file.
    pub(crate) async fn picture(&self, file: &Path) {
        self.session.screenshot(file).await.expect("a picture");
    }

    /// The entries of the browser's console since the last call.
    pub(crate) async fn console_entries(&self) -> Vec<String> {
        let entries = self.command("se/log", json!({"type": "browser"})).await;
        let entries = entries.as_array().expect("entries");
        entries
            .iter()
            .map(|entry| format!("{}: {}", entry["level"], entry["message"]))
            .collect()
    }

    /// Emulates a phone with a small screen.
    pub(crate) async fn emulate_phone(&self) {
        let screen = json!({"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true});
        let command = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": screen});
        self.command("goog/cdp/execute", command).await;
    }

    /// Sends the driver a command that the library lacks.
    async fn command(&self, name: &str, body: Value) -> Value {
        let url = format!(
            "http://127.0.0.1:{}/session/{}/{name}",
            self.driver.port,
            self.session.session_id()
        );
        let client = reqwest::Client::builder()
            .timeout(DEADLINE)
            .no_proxy()
            .build()
            .expect("a client");
        let answer = client
            .post(url)
            .json(&body)
            .send()
            .await
            .expect("an answer");
        let answer: Value = answer
            .error_for_status()
            .expect("the driver runs the command")
            .json()
            .await
            .expect("JSON");
        answer["value"].clone()
    }
}

impl Driver {
    /// Starts the driver. The driver and its browser write into `folder`.
    async fn start(folder: &Path) -> Self {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", folder)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (Debian: apt-get install chromium-driver)");
        let mut output = BufReader::new(process.stdout.take().expect("a pipe"));
        let listening = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            while output.read_line(&mut line).expect("text") > 0 {
                if let Some((_, rest)) = line.split_once("started successfully on port ") {
                    return (
                        rest.trim().trim_end_matches('.').parse().expect("a port"),
                        output,
                    );
                }
                line.clear();
            }
            panic!("chromedriver ended before it listened");
        });
        let (port, output) = tokio::time::timeout(DEADLINE, listening)
            .await
            .expect("in time")
            .expect("no panic");
        Self {
            process,
            port,
            _output: output,
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = kill_process_group(Pid::from_child(&self.process), Signal::KILL);
        let _ = self.process.wait();
    }
}

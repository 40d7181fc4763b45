//! The program as a child process, which runs to its end, or serves until the test drops it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Output, Stdio};

use people_testing::wait::{DEADLINE, eventually};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A command of the program with these arguments.
/// The command that saves Ada.
pub(crate) const SAVE_ADA: [&str; 9] = [
    "save",
    "--first-name",
    "Ada",
    "--last-name",
    "L",
    "--age",
    "36",
    "--job",
    "M",
];

pub(crate) fn gateway<S: AsRef<OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(people_testing::program());
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn output(mut command: Command) -> Output {
    timeout(DEADLINE, command.output())
        .await
        .expect("the command ends")
        .expect("the command starts")
}

/// Runs a command: exit code, standard output, standard error.
pub(crate) async fn run(command: Command) -> (i32, String, String) {
    let output = output(command).await;
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    (
        output.status.code().expect("no signal ended it"),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A serving gateway and its addresses.
pub(crate) struct GatewayProcess {
    pub(crate) child: Child,
    /// `http://ADDRESS/people`.
    pub(crate) people: String,
    pub(crate) ready: String,
}

/// The flags for free ports on loopback, and for this store.
pub(crate) fn free_port_flags(store: &str) -> [String; 6] {
    [
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
        "--store",
        store,
    ]
    .map(str::to_owned)
}

pub(crate) fn embedded(folder: &Path) -> String {
    format!("embedded:{}", folder.display())
}

/// Starts a gateway, and reads its addresses.
pub(crate) async fn start_gateway(mut command: Command) -> GatewayProcess {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("the gateway starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let (mut people, mut ready) = (None, None);
    while people.is_none() || ready.is_none() {
        let line = timeout(DEADLINE, lines.next_line())
            .await
            .expect("the gateway prints its addresses")
            .expect("a line");
        let line = line.expect("the gateway keeps running");
        let url = || {
            line.split_whitespace()
                .find(|word| word.starts_with("http://"))
                .map(str::to_owned)
        };
        match line.trim_start() {
            text if text.starts_with("REST and live updates") => people = url(),
            text if text.starts_with("admin") => ready = url(),
            _ => {}
        }
    }
    GatewayProcess {
        child,
        people: people.expect("it was read"),
        ready: ready.expect("it was read"),
    }
}

impl GatewayProcess {
    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().expect("it runs")).expect("a process id");
        kill_process(Pid::from_raw(id).expect("not 0"), signal).expect("the signal is sent");
    }

    pub(crate) async fn exit_code(mut self) -> Option<i32> {
        timeout(DEADLINE, self.child.wait())
            .await
            .expect("the gateway ends")
            .expect("the exit status")
            .code()
    }
}

/// Starts a gateway with an embedded store in this folder, and waits until it is ready.
pub(crate) async fn start_gateway_in(folder: &Path) -> GatewayProcess {
    let serving = start_gateway(gateway(&free_port_flags(&embedded(folder)))).await;
    serving.wait_ready().await;
    serving
}

impl GatewayProcess {
    /// The address for `--url`.
    pub(crate) fn url(&self) -> &str {
        self.people.trim_end_matches("/people")
    }

    pub(crate) async fn wait_ready(&self) {
        eventually("the gateway is ready", async || {
            reqwest::get(&self.ready)
                .await
                .is_ok_and(|answer| answer.status() == 200)
        })
        .await;
    }

    /// A command for this gateway.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = gateway(arguments);
        command.env("PEOPLE_GATEWAY_URL", self.url());
        command
    }

    /// Runs a command for this gateway: exit code, standard output, standard error.
    pub(crate) async fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        run(self.command(arguments)).await
    }

    /// Like [`GatewayProcess::run`], with this standard input.
    pub(crate) async fn run_with_input(
        &self,
        arguments: &[&str],
        input: &str,
    ) -> (i32, String, String) {
        run_with_input(self.command(arguments), input).await
    }

    /// Kills the gateway with SIGKILL.
    pub(crate) async fn kill9(mut self) {
        self.signal(Signal::KILL);
        timeout(DEADLINE, self.child.wait())
            .await
            .expect("the gateway ends")
            .expect("the exit status");
    }

    /// All people in id order, without the values that the store sets.
    pub(crate) async fn people(&self) -> Vec<Value> {
        let list = reqwest::get(&self.people)
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a list");
        let mut people: Vec<Value> = serde_json::from_str(&list).expect("people");
        for person in &mut people {
            let person = person.as_object_mut().expect("a person");
            for name in ["revision", "createdAt", "updatedAt"] {
                person.remove(name).expect("the store sets it");
            }
        }
        people
    }
}

/// Runs a command with this standard input: exit code, standard output, standard error.
pub(crate) async fn run_with_input(mut command: Command, input: &str) -> (i32, String, String) {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("piped");
    let write = async move {
        // The command may end before it has read all input.
        let _ = stdin.write_all(input.as_bytes()).await;
    };
    let ((), output) = tokio::join!(write, timeout(DEADLINE, child.wait_with_output()));
    let output = output
        .expect("the command ends")
        .expect("the output is read");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    (
        output.status.code().expect("no signal ended it"),
        text(output.stdout),
        text(output.stderr),
    )
}

//! Commands of the program, run to their end beside the gateway.

use std::path::Path;
use std::process::Stdio;

use people_testing::program;
use people_testing::wait::DEADLINE;
use tokio::process::Command;
use tokio::time::timeout;

/// The end of a command.
#[derive(Debug)]
pub(super) struct Ended {
    pub code: Option<i32>,
    /// Standard output, and standard error behind it.
    pub text: String,
}

/// Runs a command of the program with this embedded store, as the gateway's own user.
pub(super) async fn run(arguments: &[&str], folder: &Path, partitions: u16) -> Ended {
    let command = Command::new(program())
        .args(arguments)
        .env_clear()
        .env(
            "PEOPLE_GATEWAY__STORE__URL",
            format!("embedded:{}", folder.display()),
        )
        .env("PEOPLE_GATEWAY__STORE__PARTITIONS", partitions.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(DEADLINE, command)
        .await
        .expect("the command ends")
        .expect("the program starts");
    let text = [output.stdout, output.stderr].concat();
    Ended {
        code: output.status.code(),
        text: String::from_utf8_lossy(&text).into_owned(),
    }
}

/// Starts a gateway on this folder, on other ports.
pub(super) async fn serve(folder: &Path, partitions: u16) -> Ended {
    let ports = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ];
    run(&ports, folder, partitions).await
}

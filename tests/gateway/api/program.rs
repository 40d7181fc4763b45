//! The output of the program: the description, and the console's address at start.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use people_testing::http::Gateway;

fn program() -> Command {
    let mut command = Command::new(people_testing::program());
    command
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[tokio::test]
async fn the_command_prints_the_description_that_a_gateway_serves() {
    let output = program().arg("openapi").output().expect("it runs");
    assert!(output.status.success());
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(printed["openapi"], "3.1.0");
    assert_eq!(
        printed,
        Gateway::start().await.get("/openapi.json").await.json()
    );
}

#[test]
fn the_first_address_at_start_is_the_consoles_unless_it_is_off() {
    for (console, label) in [("on", "console"), ("off", "REST and live updates")] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = program()
            .args([
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
                "--store",
            ])
            .arg(format!("embedded:{}", folder.path().display()))
            .env("PEOPLE_GATEWAY__HTTP__CONSOLE", console)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let first = lines
            .map_while(Result::ok)
            .find(|line| line.contains("http://"));
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
        let first = first.expect("the welcome has addresses");
        assert!(first.trim_start().starts_with(label), "{console}: {first}");
    }
}

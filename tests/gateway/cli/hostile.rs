//! Texts of people cannot control a terminal or a spreadsheet; in files and pipes they are exact.

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::cli::process::{GatewayProcess, gateway, run, start_gateway_in};
use crate::cli::script::{Script, answer};
use crate::cli::terminal::{Terminal, signal};
use people_testing::wait::DEADLINE;

/// A text that clears the screen, sets the title, rings the bell, overwrites a line, reverses text,
/// and hides text.
const HOSTILE: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\r\u{9b}31m\u{61c}\u{200b}\u{2028}\u{202e}\u{e0041}\u{7f}x";
/// The parts of the text that no terminal may receive. The commands send other escapes.
const UNSAFE: [&str; 9] = [
    "\u{1b}[2J",
    "\u{1b}]0;",
    "\u{9b}31m",
    "\u{61c}",
    "\u{200b}",
    "\u{2028}",
    "\u{202e}",
    "\u{e0041}",
    "\u{7f}x",
];

async fn save_hostile(serving: &GatewayProcess) -> String {
    let person = json!({
        "firstName": HOSTILE, "lastName": format!("L{HOSTILE}"), "age": 36, "job": HOSTILE,
        "attributes": {HOSTILE: [HOSTILE]},
    });
    let (code, out, errors) = serving.run_with_input(&["save"], &person.to_string()).await;
    assert_eq!(code, 0, "{errors}");
    serde_json::from_str::<Value>(&out).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn assert_safe(output: &str) {
    for part in UNSAFE {
        assert!(!output.contains(part), "{part:?} in {output:?}");
    }
}

#[tokio::test]
async fn no_command_lets_texts_control_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let id = save_hostile(&serving).await;
    let file = folder.path().join("hostile.ndjson");
    std::fs::write(
        &file,
        json!({"firstName": HOSTILE, "lastName": "L", "age": 1, "job": HOSTILE}).to_string(),
    )
    .unwrap();
    let file = file.to_str().unwrap();
    for arguments in [
        &["get", &id][..],
        &["get", "--json", &id],
        &["export"],
        &["export", "--format", "csv"],
        &["export", "--format", "csv", "--plain"],
        &["export", "--format", "ndjson"],
        &[
            "export",
            "--columns",
            "firstName,attributes",
            "--separator",
            "tab",
        ],
        &["watch", "--snapshot"],
        &["watch", "--snapshot", "--json"],
        &["watch", "--view"],
        &["save", "--id", &id, "--merge", "--age", "37"],
        &["save", "--id", &id, "--merge", "--age", "38", "--json"],
        &["import", "--dry-run", file],
    ] {
        let mut terminal = Terminal::open(4000, 10);
        let mut child = terminal.run(&serving, arguments);
        // Each hostile text ends with these characters.
        let output = terminal.until("7f").await + &terminal.until("x").await;
        assert_safe(&output);
        assert!(
            output.contains("1b"),
            "the output has the characters as numbers: {output:?}"
        );
        signal(&child, Signal::TERM);
        timeout(DEADLINE, child.wait())
            .await
            .expect("it ends")
            .unwrap();
    }
}

#[tokio::test]
async fn json_in_a_terminal_has_the_same_value() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let id = save_hostile(&serving).await;
    let mut terminal = Terminal::open(4000, 10);
    let mut child = terminal.run(&serving, &["get", "--json", &id]);
    let output = terminal.until("}\r\n").await;
    timeout(DEADLINE, child.wait())
        .await
        .expect("it ends")
        .unwrap();
    let (_, exact, _) = serving.run(&["get", &id]).await;
    let [output, exact] = [output, exact].map(|text| serde_json::from_str::<Value>(&text).unwrap());
    assert_eq!(
        (output, exact["firstName"].as_str()),
        (exact.clone(), Some(HOSTILE))
    );
}

#[tokio::test]
async fn texts_in_a_pipe_are_exact() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let id = save_hostile(&serving).await;
    let (_, csv, _) = serving.run(&["export", "--format", "csv"]).await;
    assert!(
        csv.starts_with("id,firstName,")
            && csv.contains(&format!("{id},\"{HOSTILE}\",\"L{HOSTILE}\",36,")),
        "{csv:?}"
    );
    let (_, lines, _) = serving.run(&["export"]).await;
    assert_eq!(
        serde_json::from_str::<Value>(&lines).unwrap()["firstName"],
        HOSTILE
    );
}

#[tokio::test]
async fn a_gateways_messages_do_not_control_the_terminal() {
    let id = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
    let problem = json!({
        "type": "/problems/filter", "status": 400, "detail": HOSTILE, "title": HOSTILE, "offset": 0,
        "length": 1, "errors": [{"pointer": HOSTILE, "detail": HOSTILE}],
    });
    for (arguments, status) in [
        (&["get", id][..], "404 Not Found"),
        (&["get", id, id], "404 Not Found"),
        (&["delete", id], "412 Precondition Failed"),
        (&["export", "--where", "x"], "400 Bad Request"),
        (&["watch", "--where", "x"], "400 Bad Request"),
        (&["watch"], "403 Forbidden"),
    ] {
        let script = Script::start().await;
        let (url, refusal) = (script.url(), answer(status, &problem.to_string()));
        let server = async {
            for _ in 0..arguments
                .iter()
                .filter(|argument| **argument == id)
                .count()
                .max(1)
            {
                script.next(&refusal).await;
            }
        };
        let command = [arguments, &["--url", &url]].concat();
        let ((code, _, errors), ()) = tokio::join!(run(gateway(&command)), server);
        assert_eq!(code, 1, "{arguments:?}: {errors}");
        assert_safe(&errors);
        assert!(
            !errors.contains(['\u{1b}', '\u{7}', '\r']) && errors.contains("\\u{1b}"),
            "{arguments:?}: {errors:?}"
        );
    }
    let script = Script::start().await;
    let url = script.url();
    let arguments = ["get", id, "--url", &url];
    let words = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: {}\r\n\r\n\u{1b}[2Jx",
        "y"
    );
    let ((_, _, errors), _) = tokio::join!(run(gateway(&arguments)), script.next(&words));
    assert_safe(&errors);
}

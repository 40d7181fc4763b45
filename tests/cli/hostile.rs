//! People's own texts do not steer the terminal of whoever looks at them, nor their spreadsheet;
//! what goes into a file or a pipe is exact.

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::process::{DEADLINE, Serving, gateway, run, serving_in};
use crate::script::{Script, answer};
use crate::terminal::{Terminal, signal};

/// A screen is cleared, a title set, a bell rung, a line overwritten, a text turned around, and
/// something hidden.
const EVIL: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\r\u{9b}31m\u{61c}\u{200b}\u{2028}\u{202e}\u{e0041}\u{7f}x";
/// What of it no terminal may get from us, which sends escapes of its own.
const UNFIT: [&str; 9] = [
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

async fn save_evil(serving: &Serving) -> String {
    let person = json!({
        "firstName": EVIL, "lastName": format!("L{EVIL}"), "age": 36, "job": EVIL,
        "attributes": {EVIL: [EVIL]},
    });
    let (code, out, errors) = serving.fed(&["save"], &person.to_string()).await;
    assert_eq!(code, 0, "{errors}");
    serde_json::from_str::<Value>(&out).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn assert_fit(shown: &str) {
    for unfit in UNFIT {
        assert!(!shown.contains(unfit), "{unfit:?} in {shown:?}");
    }
}

#[tokio::test]
async fn no_command_lets_texts_steer_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let id = save_evil(&serving).await;
    let file = folder.path().join("evil.ndjson");
    std::fs::write(
        &file,
        json!({"firstName": EVIL, "lastName": "L", "age": 1, "job": EVIL}).to_string(),
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
        // The last of it stands at the end of each text.
        let shown = terminal.until("7f").await + &terminal.until("x").await;
        assert_fit(&shown);
        assert!(
            shown.contains("1b"),
            "it is seen that something was there: {shown:?}"
        );
        signal(&child, Signal::TERM);
        timeout(DEADLINE, child.wait())
            .await
            .expect("it ends")
            .unwrap();
    }
}

#[tokio::test]
async fn what_a_terminal_shows_of_json_means_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let id = save_evil(&serving).await;
    let mut terminal = Terminal::open(4000, 10);
    let mut child = terminal.run(&serving, &["get", "--json", &id]);
    let shown = terminal.until("}\r\n").await;
    timeout(DEADLINE, child.wait())
        .await
        .expect("it ends")
        .unwrap();
    let (_, exact, _) = serving.run(&["get", &id]).await;
    let [shown, exact] = [shown, exact].map(|text| serde_json::from_str::<Value>(&text).unwrap());
    assert_eq!(
        (shown, exact["firstName"].as_str()),
        (exact.clone(), Some(EVIL))
    );
}

#[tokio::test]
async fn what_goes_into_a_pipe_is_exact() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let id = save_evil(&serving).await;
    let (_, csv, _) = serving.run(&["export", "--format", "csv"]).await;
    assert!(
        csv.starts_with("id,firstName,")
            && csv.contains(&format!("{id},\"{EVIL}\",\"L{EVIL}\",36,")),
        "{csv:?}"
    );
    let (_, lines, _) = serving.run(&["export"]).await;
    assert_eq!(
        serde_json::from_str::<Value>(&lines).unwrap()["firstName"],
        EVIL
    );
}

#[tokio::test]
async fn what_a_gateway_says_does_not_steer_the_terminal_either() {
    let id = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
    let problem = json!({
        "type": "/problems/filter", "status": 400, "detail": EVIL, "title": EVIL, "offset": 0,
        "length": 1, "errors": [{"pointer": EVIL, "detail": EVIL}],
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
        assert_fit(&errors);
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
    assert_fit(&errors);
}

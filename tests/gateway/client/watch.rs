//! `people-gateway watch` as users run it: its output, its errors, and how it ends.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::client::server::{Server, create, id, live_at, page};
use people_testing::wait::DEADLINE;

fn watch(arguments: &[&str]) -> Command {
    let mut command = Command::new(people_testing::program());
    command
        .arg("watch")
        .args(arguments)
        .env_clear()
        .kill_on_drop(true);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs `watch` to its end: exit code, standard output, standard error.
async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = timeout(DEADLINE, watch(arguments).output())
        .await
        .expect("it ends")
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id().expect("it runs")).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

/// Waits until the child ends: exit code, standard error.
async fn end(child: &mut Child) -> (Option<i32>, String) {
    let code = timeout(DEADLINE, child.wait())
        .await
        .expect("it ends")
        .unwrap()
        .code();
    let mut errors = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut errors)
        .await
        .unwrap();
    (code, errors)
}

fn lines(child: &mut Child) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(child.stdout.take().expect("piped")).lines()
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    timeout(DEADLINE, lines.next_line())
        .await
        .expect("a line in time")
        .unwrap()
        .expect("a line")
}

#[tokio::test]
async fn each_message_in_a_pipe_is_an_unchanged_line_and_a_signal_ends_watch_gracefully() {
    for number in [Signal::TERM, Signal::INT] {
        let server = Server::start().await;
        let arguments = [
            "--url",
            &server.url(),
            "--snapshot",
            "--where",
            "age > 1",
            "--kinds",
            "saves",
        ];
        let mut child = watch(&arguments).spawn().unwrap();
        let mut out = lines(&mut child);
        let mut peer = server.accept().await;
        assert_eq!(
            (
                peer.parameter("from"),
                peer.parameter("where"),
                peer.parameter("kinds")
            ),
            ("snapshot", "age > 1", "saves")
        );
        for message in [
            page(&[1]),
            live_at("0:a.5.1"),
            create(2, "0:a.6.2"),
            json!({"type": "fresh"}),
        ] {
            peer.send_json(&message).await;
            assert_eq!(line(&mut out).await, message.to_string());
        }
        peer.send("{\n  \"type\": \"fresh\"\r\n}").await;
        assert_eq!(line(&mut out).await, "{   \"type\": \"fresh\"  }");
        signal(&child, number);
        assert_eq!(peer.next_message().await, json!({"type": "stop"}));
        peer.close(1000, "").await;
        let (code, errors) = end(&mut child).await;
        assert_eq!(code, Some(0), "{errors}");
        assert_eq!(
            errors,
            "connected, with a snapshot\ndisconnected\nto continue from here: --from 0:a.6.2\n"
        );
        assert_eq!(out.next_line().await.unwrap(), None);
    }
}

#[tokio::test]
async fn readable_lines_have_colours_only_if_requested() {
    for (force, shown) in [(false, "+ create "), (true, "\u{1b}[32m+ create\u{1b}[0m ")] {
        let server = Server::start().await;
        let mut command = watch(&["--url", &server.url(), "--plain", "--from", "0:a.5.1"]);
        if force {
            command.env("CLICOLOR_FORCE", "1");
        }
        let mut child = command.spawn().unwrap();
        let mut out = lines(&mut child);
        let mut peer = server.accept().await;
        assert_eq!(peer.parameter("from"), "0:a.5.1");
        peer.send_json(&json!({"type": "position", "cursor": "0:a.5.1"}))
            .await;
        peer.send_json(&create(2, "0:a.6.2")).await;
        assert_eq!(
            line(&mut out).await,
            format!("{shown}{}  Ada Lovelace, 36, ", id(2))
        );
        peer.send_json(
            &json!({"type": "leave", "at": "0:a.7.3", "id": id(2), "revision": "a.7.3"}),
        )
        .await;
        assert!(line(&mut out).await.ends_with(&id(2)));
    }
}

#[tokio::test]
async fn a_closed_pipe_ends_watch() {
    let server = Server::start().await;
    let mut child = watch(&["--url", &server.url()]).spawn().unwrap();
    let mut out = lines(&mut child);
    let mut peer = server.accept().await;
    peer.send_json(&live_at("0:a.5.1")).await;
    line(&mut out).await;
    drop(out);
    while peer.try_send(&json!({"type": "fresh"}).to_string()).await {
        tokio::task::yield_now().await;
    }
    let (code, errors) = end(&mut child).await;
    assert_eq!(
        (code, errors.as_str()),
        (Some(0), "connected, from now on\n")
    );
}

#[tokio::test]
async fn a_signal_ends_watch_while_its_pipe_is_blocked() {
    let server = Server::start().await;
    let mut child = watch(&["--url", &server.url()]).spawn().unwrap();
    let mut peer = server.accept().await;
    // More than any pipe holds.
    peer.send_json(&json!({"type": "fresh", "filler": "x".repeat(2_000_000)}))
        .await;
    let mut tries = 0;
    while child.try_wait().unwrap().is_none() {
        assert!(tries < 2000, "watch does not end");
        tries += 1;
        signal(&child, Signal::INT);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(end(&mut child).await.0, Some(0));
}

#[tokio::test]
async fn the_fault_of_a_filter_is_marked() {
    let server = Server::start().await;
    let url = server.url();
    let body =
        r#"{"type":"/problems/filter","detail":"write == to compare","offset":4,"length":1}"#;
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let pieces = [&answer[..]];
    let arguments = ["--url", &url, "--where", "age = 1"];
    let ((), (code, out, errors)) = tokio::join!(server.answer(&pieces), run(&arguments));
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(
        errors,
        "people-gateway: the filter is refused: write == to compare\n  age = 1\n      ^\n"
    );
}

#[tokio::test]
async fn wrong_usage_exits_with_2() {
    for arguments in [
        &["--kinds", "some"][..],
        &["--from", "now"],
        &["--from", "0:a.1.1,0:a.2.2"],
        &["--url", "ftp://127.0.0.1/"],
        &["--view", "--kinds", "saves"],
        &["--url", "wss://"],
        &["--snapshot", "--from", "0:a.1.1"],
        &["--json", "--plain"],
        &["everything"],
    ] {
        let (code, out, errors) = run(arguments).await;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(errors.starts_with("error: "), "{errors}");
    }
    let (code, out, _) = run(&["--help"]).await;
    assert_eq!(code, Some(0));
    assert!(out.contains("Examples:\n  people-gateway watch\n"), "{out}");
}

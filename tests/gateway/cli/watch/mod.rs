//! `watch` without a gateway, and with every form of a gateway's address.

mod view;

use std::net::TcpListener;

use rustix::process::Signal;
use serde_json::json;

use crate::cli::process::{SAVE_ADA, gateway, run, start_gateway_in};
use crate::cli::script::{Script, answer};
use crate::cli::terminal::{Terminal, signal};
use people_testing::wait::DEADLINE;

/// An address that no process listens on.
fn unused_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn every_command_reports_an_unreachable_gateway_at_once() {
    let id = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/people.csv");
    let unused = unused_address();
    let (url, updates) = (format!("http://{unused}"), format!("ws://{unused}"));
    for (command, url) in [
        (&["watch"][..], &url),
        (&["watch", "--snapshot", "--where", "age > 3"], &url),
        (&["watch", "--view"], &url),
        (&["watch"], &updates),
        (&["get", id], &url),
        (&["delete", id], &url),
        (&SAVE_ADA, &url),
        (&["export"], &url),
        (&["import", file], &url),
    ] {
        let (code, out, errors) = run(gateway(&[command, &["--url", url]].concat())).await;
        assert!(
            code == 1 && !out.contains("connected"),
            "{command:?}: {out}"
        );
        let line = errors.trim_end();
        assert_eq!(line.lines().count(), 1, "{command:?}: {errors}");
        for words in [
            unused.as_str(),
            "Connection refused",
            "Is a gateway running there?",
            "--url",
            "PEOPLE_GATEWAY_URL",
        ] {
            assert!(line.contains(words), "{command:?}: {errors}");
        }
    }
    let (code, _, errors) = run(gateway(&["watch", "--url", "http://nowhere.invalid"])).await;
    assert!(
        code == 1 && errors.contains("nowhere.invalid") && errors.contains("--url"),
        "{errors}"
    );
}

#[tokio::test]
async fn start_points_of_the_protocol_are_refused_with_the_matching_flags() {
    for (word, hint) in [
        ("snapshot", "use --snapshot"),
        ("now", "begins now"),
        ("x", "PARTITION:EPOCH.SEQ.TAG"),
    ] {
        let (code, _, errors) = run(gateway(&["watch", "--from", word])).await;
        assert!(code == 2 && errors.contains(hint), "{word}: {errors}");
    }
}

#[tokio::test]
async fn an_unreachable_gateway_is_reported_at_once_in_a_terminal() {
    let mut terminal = Terminal::open(100, 10);
    for form in [&["watch"][..], &["watch", "--view"]] {
        let mut child = terminal.start(gateway(
            &[form, &["--url", &format!("http://{}", unused_address())]].concat(),
        ));
        terminal.until("Is a gateway running there?").await;
        let code = tokio::time::timeout(DEADLINE, child.wait())
            .await
            .expect("it ends")
            .unwrap()
            .code();
        assert_eq!(code, Some(1));
    }
}

#[tokio::test]
async fn watch_retries_after_a_temporary_refusal() {
    let script = Script::start().await;
    let busy = answer(
        "503 Service Unavailable\r\nRetry-After: 0",
        "{\"detail\":\"draining\",\"status\":503}",
    );
    let mut child = gateway(&["watch", "--url", &script.url()]).spawn().unwrap();
    script.next(&busy).await;
    script.next(&busy).await;
    assert!(child.try_wait().unwrap().is_none());
    signal(&child, Signal::TERM);
    tokio::time::timeout(DEADLINE, child.wait())
        .await
        .expect("it ends")
        .unwrap();
}

#[tokio::test]
async fn watch_accepts_every_form_of_a_gateways_address() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let ada = json!({"firstName": "Ada", "lastName": "L", "age": 36, "job": ""}).to_string();
    serving.run_with_input(&["save"], &ada).await;
    let host = serving.url().trim_start_matches("http://").to_owned();
    for form in [
        "http://HOST",
        "HTTP://HOST/",
        "ws://HOST",
        "ws://HOST/",
        "ws://HOST/updates",
        "WS://HOST/people",
        "http://HOST//",
    ] {
        let mut terminal = Terminal::open(200, 10);
        let url = form.replace("HOST", &host);
        let mut child = terminal.start(gateway(&["watch", "--snapshot", "--url", &url]));
        terminal.until("Ada L, 36, ").await;
        signal(&child, Signal::TERM);
        tokio::time::timeout(DEADLINE, child.wait())
            .await
            .expect("it ends")
            .unwrap();
    }
    // This server has pages, but no live updates.
    let script = Script::start().await;
    let (url, page) = (
        script.url(),
        answer("200 OK\r\nContent-Type: text/html", "<html>"),
    );
    let arguments = ["watch", "--url", &url];
    let ((code, _, errors), _) = tokio::join!(run(gateway(&arguments)), script.next(&page));
    assert!(
        code == 1 && errors.contains("/updates") && errors.contains("live updates"),
        "{errors}"
    );
}

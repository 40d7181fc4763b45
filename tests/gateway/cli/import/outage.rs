//! `import` during outages: the gateway is killed and restarted, or its store refuses single lines.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;

use crate::cli::process::{
    embedded, free_port_flags, gateway, run_with_input, start_gateway, start_gateway_in,
};
use crate::cli::script::{Script, answer};
use people_testing::wait::{DEADLINE, eventually};

fn line(number: u32) -> String {
    json!({"firstName": number.to_string(), "lastName": "L", "age": 1, "job": ""}).to_string()
        + "\n"
}

#[tokio::test]
async fn an_import_loses_no_person_when_the_gateway_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let first = start_gateway_in(folder.path()).await;
    let mut command = first.command(&["import", "-", "--name", "people"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    stdin
        .write_all((0..2000).map(line).collect::<String>().as_bytes())
        .await
        .unwrap();
    eventually("some people are saved", async || {
        first.people().await.len() >= 500
    })
    .await;
    let listen = first.url().trim_start_matches("http://").to_owned();
    first.kill9().await;
    let rest = tokio::spawn(async move {
        stdin
            .write_all((2000..4000).map(line).collect::<String>().as_bytes())
            .await
            .unwrap();
    });
    let reported = timeout(DEADLINE, errors.next_line())
        .await
        .expect("a note about the outage")
        .unwrap()
        .expect("a line");
    assert!(
        reported.contains(&listen) && reported.contains("trying again in"),
        "{reported}"
    );
    let mut arguments = free_port_flags(&embedded(folder.path()));
    arguments[1].clone_from(&listen);
    let second = start_gateway(gateway(&arguments)).await;
    timeout(DEADLINE, rest)
        .await
        .expect("the import reads all input")
        .unwrap();
    let code = timeout(DEADLINE, child.wait())
        .await
        .expect("the import ends")
        .unwrap()
        .code();
    let mut out = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .await
        .unwrap();
    assert_eq!(
        (code, out.trim_end()),
        (Some(0), "{\"saved\":4000,\"refused\":0,\"lines\":4000}")
    );
    let mut names: Vec<u32> = second
        .people()
        .await
        .iter()
        .map(|person| person["firstName"].as_str().unwrap().parse().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, (0..4000).collect::<Vec<_>>());
}

#[tokio::test]
async fn temporarily_refused_lines_are_sent_again_with_all_later_lines_in_order() {
    let script = Script::start().await;
    let input: String = (1..=5).map(line).collect();
    let names = |body: &str| -> Vec<String> {
        let names = body.lines().map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["firstName"].take()
        });
        names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    };
    let refused = |line: u32, status: u32| {
        let detail = format!("no {status}");
        let problem = json!({"type": "about:blank", "status": status, "detail": detail});
        json!({"line": line, "problem": problem})
    };
    let server = async {
        let busy = answer(
            "503 Service Unavailable\r\nRetry-After: 0",
            "{\"detail\":\"busy\",\"status\":503}",
        );
        let (head, body) = script.next(&busy).await;
        assert!(head.starts_with("POST /people/import "), "{head}");
        assert_eq!(names(&body), ["1", "2", "3", "4", "5"]);
        // The server refuses the second line, refuses the third temporarily, and saves the fourth.
        // The import sends all lines from the third on again.
        let report = format!(
            "{}\n{}\n{}\n",
            refused(2, 422),
            refused(3, 503),
            json!({"lines": 5})
        );
        assert_eq!(
            script.next(&answer("200 OK", &report)).await.1,
            body,
            "the second request has the same ids"
        );
        // The server stops reading after one of these lines.
        let stopped = format!("{}\n{}\n", refused(1, 422), json!({"lines": 1}));
        assert_eq!(
            names(&script.next(&answer("200 OK", &stopped)).await.1),
            ["3", "4", "5"]
        );
        assert_eq!(
            names(&script.next(&answer("200 OK", "{\"lines\":2}\n")).await.1),
            ["4", "5"]
        );
    };
    let url = script.url();
    let command = gateway(&["import", "-", "--url", &url]);
    let ((), (code, out, errors)) = tokio::join!(server, run_with_input(command, &input));
    assert_eq!(
        (code, out.as_str()),
        (1, "{\"saved\":3,\"refused\":2,\"lines\":5}\n")
    );
    let reported: Vec<&str> = errors
        .lines()
        .filter(|line| line.starts_with("standard input:"))
        .collect();
    assert_eq!(
        reported,
        ["standard input:2: no 422", "standard input:3: no 422"]
    );
}

#[tokio::test]
async fn an_import_fails_when_its_patience_ends() {
    let script = Script::start().await;
    let url = script.url();
    let command = gateway(&["import", "-", "--url", &url, "--patience", "0"]);
    let unavailable = answer(
        "503 Service Unavailable\r\nRetry-After: 0",
        "{\"detail\":\"The store is away.\"}",
    );
    let input = line(1);
    let (_, (code, out, errors)) =
        tokio::join!(script.next(&unavailable), run_with_input(command, &input));
    assert_eq!(
        (code, out.as_str()),
        (1, "{\"saved\":0,\"refused\":0,\"lines\":0}\n")
    );
    assert_eq!(
        errors,
        "people-gateway: the import is incomplete: The store is away.\n"
    );
}

//! The import: any number of lines, each saved or refused by itself.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use people_gateway::store::StoreError;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::rest::failing_store::FaultyStore;
use crate::{ADA, UNUSED_ID};
use people_testing::http::{Answer, Gateway, Setup, read_to_end};

const NDJSON: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];

/// The answer's lines.
fn report(answer: &Answer) -> Vec<Value> {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/x-ndjson")),
        "{answer:?}"
    );
    answer
        .body
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn with_id(id: &str, age: usize) -> String {
    ADA.replacen('{', &format!(r#"{{"id":"{id}","#), 1)
        .replace(r#""age":36"#, &format!(r#""age":{age}"#))
}

#[tokio::test]
async fn lines_with_an_id_save_that_person_and_lines_without_get_one() {
    let gateway = Gateway::start().await;
    let known = gateway.create(ADA).await;
    // The last line has no newline, and blank lines save no person.
    let body = format!(
        "{}\n\n{ADA}\r\n   \n{}\n{}",
        with_id(UNUSED_ID, 1),
        with_id(&known, 2),
        ADA.replace("36", "3")
    );
    let answer = gateway.call("POST", "/people/import", &NDJSON, &body).await;
    assert_eq!(
        report(&answer),
        [json!({"saved": 4, "refused": 0, "lines": 6})]
    );
    let mut ages: Vec<u64> = gateway
        .get("/people")
        .await
        .json()
        .as_array()
        .expect("people")
        .iter()
        .filter_map(|p| p["age"].as_u64())
        .collect();
    ages.sort_unstable();
    assert_eq!(ages, [1, 2, 3, 36]);
    assert_eq!(
        gateway.get(&format!("/people/{known}")).await.json()["age"],
        2
    );
    assert_eq!(
        gateway.get(&format!("/people/{UNUSED_ID}")).await.json()["age"],
        1
    );
}

#[tokio::test]
async fn refused_lines_are_reported_by_number_in_order_and_the_others_are_saved() {
    let gateway = Gateway::start().await;
    let long = format!("{ADA}{}", " ".repeat(65_537 - ADA.len()));
    let fits = format!("{ADA}{}", " ".repeat(65_536 - ADA.len()));
    let lines = [
        ADA,
        "{",
        r#"{"age":-1}"#,
        &long,
        &fits,
        "[]",
        &ADA.replacen('{', r#"{"id":"x","#, 1),
        ADA,
    ];
    let mut body = lines.join("\n").into_bytes();
    body.extend_from_slice(b"\n\"\xff\"\n");
    let request = gateway
        .request("POST", "/people/import")
        .header("content-type", "application/x-ndjson");
    let report = report(&Answer::of(request.body(body)).await);
    let refused: Vec<_> = report[..report.len() - 1]
        .iter()
        .map(|line| {
            (
                line["line"].as_u64().unwrap_or(0),
                line["problem"]["type"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(
        refused,
        [
            (2, "/problems/malformed"),
            (3, "/problems/validation"),
            (4, "/problems/too-large"),
            (6, "/problems/validation"),
            (7, "/problems/validation"),
            (9, "/problems/malformed"),
        ]
    );
    assert_eq!(report[0]["problem"]["line"], 2, "the line in the body");
    assert_eq!(report[1]["problem"]["errors"][0]["pointer"], "/age");
    assert_eq!(report[6], json!({"saved": 3, "refused": 6, "lines": 9}));
}

#[tokio::test]
async fn lines_about_one_person_are_saved_in_their_order() {
    let gateway = Gateway::start().await;
    let body: String = (0..150)
        .map(|age| with_id(UNUSED_ID, age) + "\n" + ADA + "\n")
        .collect();
    let answer = gateway.call("POST", "/people/import", &NDJSON, &body).await;
    assert_eq!(
        report(&answer),
        [json!({"saved": 300, "refused": 0, "lines": 300})]
    );
    let person = gateway.get(&format!("/people/{UNUSED_ID}")).await.json();
    assert_eq!(person["age"], 149);
}

#[tokio::test]
async fn lines_about_one_person_keep_their_order_also_when_the_first_is_slow() {
    let (setup, store) = FaultyStore::setup();
    let gateway = Gateway::start_with(setup).await;
    let release = Arc::new(tokio::sync::Notify::new());
    let waiting = Arc::clone(&release);
    // The first save waits until a line about another person is saved.
    store.get().expect("wrapped").before_apply(1, move |_| {
        let waiting = Arc::clone(&waiting);
        Box::pin(async move {
            waiting.notified().await;
            None
        })
    });
    let body = format!(
        "{}\n{ADA}\n{}\n{}\n",
        with_id(UNUSED_ID, 1),
        with_id(UNUSED_ID, 2),
        with_id(UNUSED_ID, 3)
    );
    let import = gateway.call("POST", "/people/import", &NDJSON, &body);
    let others = async {
        while gateway.get("/people").await.body == "[]\n" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let listed = gateway.get("/people").await.json();
        assert_eq!(
            listed.as_array().map(Vec::len),
            Some(1),
            "only the other person: {listed}"
        );
        release.notify_one();
    };
    let (answer, ()) = tokio::time::timeout(people_testing::wait::DEADLINE, async {
        tokio::join!(import, others)
    })
    .await
    .expect("in time");
    assert_eq!(
        report(&answer),
        [json!({"saved": 4, "refused": 0, "lines": 4})]
    );
    assert_eq!(
        gateway.get(&format!("/people/{UNUSED_ID}")).await.json()["age"],
        3
    );
}

#[tokio::test]
async fn after_a_thousand_refused_lines_the_import_stops() {
    let gateway = Gateway::start().await;
    let body = format!("{ADA}\n{}", "{}\n".repeat(50_000));
    let answer = gateway.call("POST", "/people/import", &NDJSON, &body).await;
    let report = report(&answer);
    assert_eq!(report.len(), 1001);
    assert_eq!(
        (&report[0]["line"], &report[999]["line"]),
        (&json!(2), &json!(1001))
    );
    assert_eq!(
        report[1000],
        json!({"saved": 1, "refused": 1000, "lines": 1001})
    );
}

#[tokio::test]
async fn a_client_that_sends_all_first_can_read_the_report_of_an_import_that_stopped() {
    let gateway = Gateway::start().await;
    let body = "x\n".repeat(4_000_000);
    let head = "POST /people/import HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                content-type: application/x-ndjson\r\n";
    let answer = gateway
        .raw(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
        .await;
    assert!(
        answer.ends_with("{\"saved\":0,\"refused\":1000,\"lines\":1000}\n"),
        "{answer:.300}"
    );
}

#[tokio::test]
async fn a_line_that_the_store_could_not_save_is_a_refused_line() {
    let (setup, store) = FaultyStore::setup();
    let gateway = Gateway::start_with(setup).await;
    store.get().expect("wrapped").before_apply(3, |write| {
        let age = write.save.as_ref().map(|fields| fields.values().age);
        Box::pin(async move {
            match age {
                Some(1) => Some(Err(StoreError::Unavailable("down".into()))),
                Some(2) => Some(Err(StoreError::OutcomeUnknown("down".into()))),
                _ => None,
            }
        })
    });
    let body = format!(
        "{}\n{}\n{ADA}\n",
        ADA.replace("36", "1"),
        with_id(UNUSED_ID, 2)
    );
    let report = report(&gateway.call("POST", "/people/import", &NDJSON, &body).await);
    assert_eq!(
        (&report[0]["line"], &report[0]["problem"]["type"]),
        (&json!(1), &json!("/problems/store-unavailable"))
    );
    assert_eq!(
        (&report[1]["line"], &report[1]["problem"]["outcome"]),
        (&json!(2), &json!("unknown"))
    );
    assert_eq!(report[1]["problem"]["id"], UNUSED_ID);
    assert_eq!(report[2], json!({"saved": 1, "refused": 2, "lines": 3}));
}

#[tokio::test]
async fn an_import_as_a_whole_has_no_limit() {
    let gateway = Gateway::start().await;
    let line = with_id(UNUSED_ID, 5) + &" ".repeat(20_000) + "\n";
    let pieces =
        futures_util::stream::iter(0..1_000).map(move |_| Ok::<_, std::io::Error>(line.clone()));
    let request = gateway
        .request("POST", "/people/import")
        .header("content-type", "application/x-ndjson");
    let answer = Answer::of(request.body(reqwest::Body::wrap_stream(pieces))).await;
    assert_eq!(
        report(&answer),
        [json!({"saved": 1000, "refused": 0, "lines": 1000})],
        "20 MB of lines"
    );
}

#[tokio::test]
async fn an_import_cannot_be_idempotent_or_conditional() {
    let gateway = Gateway::start().await;
    let [ndjson] = NDJSON;
    gateway
        .call(
            "POST",
            "/people/import",
            &[ndjson, ("idempotency-key", "k")],
            ADA,
        )
        .await
        .problem(400, "idempotency");
    gateway
        .call("POST", "/people/import", &[ndjson, ("if-match", "*")], ADA)
        .await
        .problem(400, "malformed");
    assert_eq!(gateway.get("/people").await.body, "[]\n");
}

#[tokio::test]
async fn an_import_that_sends_no_byte_in_time_ends_with_its_counts() {
    let mut setup = Setup::default();
    setup.options.body_idle_limit = Duration::from_millis(200);
    let gateway = Gateway::start_with(setup).await;
    let mut stream = gateway.connect().await;
    let head = "POST /people/import HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/x-ndjson\r\ncontent-length: 100000\r\n\r\n";
    stream
        .write_all(format!("{head}{ADA}\n{{\n{ADA}").as_bytes())
        .await
        .expect("sent");
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let document: Value =
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert_eq!(
        (&document["saved"], &document["refused"], &document["lines"]),
        (&json!(1), &json!(1), &json!(2))
    );
    assert_eq!(
        gateway.get("/people").await.json().as_array().map(Vec::len),
        Some(1),
        "half a line saves no person"
    );
}

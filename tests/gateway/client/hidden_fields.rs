//! People without the fields that a role hides, changed rights, and refusals of rights: the client
//! keeps what comes, and `watch` says it in words.

use std::process::Stdio;

use people_client::{
    Completeness, FilterStart, LiveEvent, PeopleView, ResetReason, StartPoint, ViewFilter,
};
use people_gateway::filter::Kinds;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;

use crate::cli::process::{gateway, run};
use crate::client::server::{Server, id, live_at, next};
use people_testing::wait::DEADLINE;

/// A person without all fields that can be hidden, but for these.
fn person(number: u8, revision: &str, shown: &Value) -> Value {
    let mut person = json!({
        "id": id(number), "revision": revision,
        "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-02T00:00:00.000Z",
    });
    let members = person.as_object_mut().expect("an object");
    members.extend(shown.as_object().expect("an object").clone());
    person
}

fn update(at: &str, shown: &Value) -> Value {
    let revision = at.split_once(':').expect("a log position").1;
    json!({"type": "update", "at": at, "person": person(1, revision, shown)})
}

fn snapshot() -> Value {
    let people = [
        person(1, "a.1.1", &json!({})),
        person(2, "a.2.1", &json!({"lastName": "L", "attributes": {}})),
    ];
    json!({"type": "snapshot", "people": people})
}

/// The problems of rights, as the answer to a filter.
fn refusals() -> [Value; 2] {
    [
        json!({
            "type": "/problems/filter", "status": 403, "detail": "job is hidden from you.",
            "offset": 0, "length": 3,
        }),
        json!({"type": "/problems/forbidden", "status": 403, "detail": "The role lacks watch."}),
    ]
}

#[tokio::test]
async fn a_view_holds_people_as_the_role_shows_them() {
    let server = Server::start().await;
    let mut live = server.client().build();
    let mut peer = server.accept_client(&mut live).await;
    let mut view = PeopleView::new(Kinds::All);
    let from = StartPoint::Snapshot;
    view.apply(&LiveEvent::Connected { from }).unwrap();
    let mut fold = async |message: &Value, view: &mut PeopleView| {
        peer.send_json(message).await;
        let event = next(&mut live).await;
        view.apply(&event).expect("no contradiction");
        event
    };
    fold(&snapshot(), &mut view).await;
    fold(&live_at("0:a.3.1"), &mut view).await;
    let first = id(1).parse().unwrap();
    let member = |view: &PeopleView, name: &str| view.people()[&first].get(name).cloned();
    assert_eq!(view.people().len(), 2);
    assert_eq!(member(&view, "firstName"), None);
    fold(&update("0:a.4.1", &json!({"age": 36})), &mut view).await;
    assert_eq!(member(&view, "age"), Some(json!(36)));
    fold(&update("0:a.5.1", &json!({})), &mut view).await;
    assert_eq!(
        member(&view, "age"),
        None,
        "nothing stays of an older version"
    );
    assert_eq!(view.completeness(), Completeness::Exact);
    let reset = fold(&json!({"type": "reset", "reason": "rights"}), &mut view).await;
    let reason = ResetReason::Rights;
    assert_eq!(reset, LiveEvent::Reset { reason });
    assert!(view.people().is_empty());
}

#[tokio::test]
async fn a_filter_that_rights_refuse_changes_nothing() {
    let server = Server::start().await;
    let mut live = server.client().build();
    let mut peer = server.accept_client(&mut live).await;
    peer.send_json(&live_at("0:a.5.1")).await;
    next(&mut live).await;
    for sent in refusals() {
        let filter = ViewFilter {
            kinds: Kinds::All,
            condition: "job == \"x\"".to_owned(),
        };
        live.filter(filter, FilterStart::Now, "x").unwrap();
        let answer = async {
            peer.next_message().await;
            peer.send_json(&json!({"type": "error", "ref": "x", "problem": sent}))
                .await;
        };
        let ((), event) = tokio::join!(answer, next(&mut live));
        let LiveEvent::Error { reference, problem } = event else {
            panic!("not refused: {event:?}")
        };
        assert_eq!(reference.as_deref(), Some("x"));
        assert_eq!(problem.status, Some(403));
        assert_eq!(Some(problem.words().as_str()), sent["detail"].as_str());
    }
}

#[tokio::test]
async fn watch_tells_what_is_shown_and_the_rest_in_words() {
    let server = Server::start().await;
    let mut child = gateway(&["watch", "--plain", "--snapshot", "--url", &server.url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut peer = server.accept().await;
    let [filter, forbidden] =
        refusals().map(|problem| json!({"type": "error", "problem": problem}));
    let (first, second) = (id(1), id(2));
    for (message, expected) in [
        (
            snapshot(),
            vec![
                format!("= is     {first}"),
                format!("= is     {second}  L  {{}}"),
            ],
        ),
        (live_at("0:a.3.1"), vec!["live at 0:a.3.1".to_owned()]),
        (
            update("0:a.4.1", &json!({"age": 36, "job": "Chef"})),
            vec![format!("~ update {first}  36, Chef")],
        ),
        (
            json!({"type": "reset", "reason": "rights"}),
            vec!["reset: all people above are outdated (your rights have changed)".to_owned()],
        ),
        (filter, vec!["refused: job is hidden from you.".to_owned()]),
        (forbidden, vec!["refused: The role lacks watch.".to_owned()]),
        (
            json!({"type": "error", "problem": {"status": 403}}),
            vec!["refused: the gateway refused with status 403".to_owned()],
        ),
    ] {
        peer.send_json(&message).await;
        for expected in expected {
            let line = timeout(DEADLINE, lines.next_line()).await;
            let line = line.expect("in time").unwrap().expect("a line");
            assert_eq!(line, expected);
        }
    }
}

#[tokio::test]
async fn watch_ends_with_the_words_of_a_refused_handshake() {
    for (problem, words) in refusals().into_iter().zip([
        "the filter is refused: job is hidden from you.\n  job == \"x\"\n  ^^^\n",
        "the server refused with status 403: The role lacks watch.\n",
    ]) {
        let server = Server::start().await;
        let url = server.url();
        let problem = problem.to_string();
        let answer = format!(
            "HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\n\
             Content-Length: {}\r\n\r\n{problem}",
            problem.len()
        );
        let arguments = ["watch", "--where", "job == \"x\"", "--url", &url];
        let pieces = [&answer[..]];
        let ran = run(gateway(&arguments));
        let ((), (code, out, errors)) = tokio::join!(server.answer(&pieces), ran);
        assert_eq!((code, out.as_str()), (1, ""));
        assert_eq!(errors, format!("people-gateway: {words}"));
    }
}

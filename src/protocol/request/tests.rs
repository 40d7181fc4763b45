//! Client messages: each is read as its sender means it, or refused with advice.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn filter(kinds: Kinds, filter_text: &str, from: FilterFrom, reference: Option<&str>) -> Request {
    let reference = reference.map(str::to_owned);
    Request::Filter {
        kinds,
        filter_text: filter_text.to_owned(),
        from,
        reference,
    }
}

/// The detail of a refusal, and the `ref` that it echoes.
fn refused(text: &str) -> (String, Option<String>) {
    let refused = Request::read(text).unwrap_err();
    assert_eq!(refused.problem.kind(), ProblemKind::Malformed);
    let detail = refused.problem.to_json(None)["detail"]
        .as_str()
        .unwrap()
        .to_owned();
    (detail, refused.reference)
}

#[test]
fn a_filter_without_members_means_all_kinds_everyone_and_now() {
    let all = filter(Kinds::All, "", FilterFrom::Now, None);
    assert_eq!(Request::read(r#"{"type":"filter"}"#).unwrap(), all);
    let text =
        r#" {"ref":"f1","from":"snapshot","where":"age > 3","kinds":"deletes","type":"filter"} "#;
    let chosen = filter(Kinds::Deletes, "age > 3", FilterFrom::Snapshot, Some("f1"));
    assert_eq!(Request::read(text).unwrap(), chosen);
}

#[test]
fn ping_and_stop_are_read() {
    let reference = |text: &str| Some(text.to_owned());
    assert_eq!(
        Request::read(r#"{"type":"ping"}"#).unwrap(),
        Request::Ping { reference: None }
    );
    assert_eq!(
        Request::read(r#"{"type":"ping","ref":""}"#).unwrap(),
        Request::Ping {
            reference: reference("")
        }
    );
    assert_eq!(Request::read(r#"{"type":"stop"}"#).unwrap(), Request::Stop);
}

#[test]
fn a_refusal_names_what_to_send_instead() {
    for (text, detail) in [
        (
            r#"{"type":"wake","ref":"r"}"#,
            r#"There is no message of type "wake"; send filter, ping, token or stop."#,
        ),
        (
            r#"{"ref":"r"}"#,
            "A message needs a type; send filter, ping, token or stop.",
        ),
        (
            r#"{"type":1,"ref":"r"}"#,
            "type is a string; send it in quotes, or leave it out.",
        ),
        (
            r#"{"type":"filter","filter":"age > 3","ref":"r"}"#,
            r#"There is no member "filter" here; filter takes kinds, where, from and ref."#,
        ),
        (
            r#"{"type":"ping","where":"","ref":"r"}"#,
            r#"There is no member "where" here; ping takes ref."#,
        ),
        (
            r#"{"type":"stop","ref":"r"}"#,
            r#"There is no member "ref" here; stop takes no other member."#,
        ),
        (
            r#"{"type":"filter","where":null,"ref":"r"}"#,
            "where is a string; send it in quotes, or leave it out.",
        ),
        (
            r#"{"type":"filter","kinds":"Saves","ref":"r"}"#,
            "kinds is all, saves or deletes; send one of them, or none for all.",
        ),
        (
            r#"{"type":"filter","from":"0:1.1.1","ref":"r"}"#,
            "from is now or snapshot here; to resume with a cursor, connect with it.",
        ),
        (
            r#"{"type":"ping","type":"stop","ref":"r"}"#,
            r#"The member "type" is given twice; send it once."#,
        ),
    ] {
        assert_eq!(
            refused(text),
            (detail.to_owned(), Some("r".to_owned())),
            "{text}"
        );
    }
}

#[test]
fn a_ref_has_at_most_64_code_points() {
    let ping = |reference: &str| json!({"type": "ping", "ref": reference}).to_string();
    let longest = "é".repeat(MAX_REFERENCE);
    assert_eq!(
        Request::read(&ping(&longest)).unwrap(),
        Request::Ping {
            reference: Some(longest.clone())
        }
    );
    let detail = "ref is a string of at most 64 characters; send a shorter one, or none.";
    for text in [
        &ping(&format!("{longest}x")),
        r#"{"type":"ping","ref":7}"#,
        r#"{"type":"filter","ref":null}"#,
    ] {
        assert_eq!(refused(text), (detail.to_owned(), None), "{text}");
    }
    assert_eq!(
        refused(r#"{"type":"ping","ref":"a","ref":"b"}"#).1,
        None,
        "a repeated ref is ambiguous"
    );
}

#[test]
fn a_text_that_is_no_json_object_is_refused_with_line_and_column() {
    for text in [
        "",
        "stop",
        "[]",
        "null",
        "7",
        "\"ping\"",
        "{\"type\":\"ping\"",
        "{} {}",
        "{\"type\"\n:}",
    ] {
        let (detail, reference) = refused(text);
        assert!(
            detail.starts_with("A message is one JSON object such as "),
            "{text}: {detail}"
        );
        assert!(
            !detail.contains(" at line ") && reference.is_none(),
            "{text}: {detail}"
        );
    }
    let problem = Request::read("{\"type\"\n:}")
        .unwrap_err()
        .problem
        .to_json(None);
    assert_eq!(
        (&problem["line"], &problem["column"]),
        (&json!(2), &json!(2))
    );
    assert!(
        Request::read(&"[".repeat(100_000)).is_err(),
        "depth is bounded"
    );
    assert!(
        Request::read(&format!("{{\"type\":{}", "[".repeat(100_000))).is_err(),
        "depth is bounded"
    );
}

proptest! {
    #[test]
    fn any_text_is_a_message_or_gets_a_short_refusal(
        text in "\\PC*|[{}\\[\\]\":,a-z0-9\\\\ \n]{0,200}",
    ) {
        if let Err(refused) = Request::read(&text) {
            prop_assert!(refused.problem.to_json(None).to_string().len() < 1000);
        }
    }

    #[test]
    fn any_filter_and_ref_is_read_unchanged(text: String, reference in "(?s).{0,64}") {
        let sent = json!({"type": "filter", "where": text, "ref": reference}).to_string();
        let read = filter(Kinds::All, &text, FilterFrom::Now, Some(&reference));
        prop_assert_eq!(Request::read(&sent).unwrap(), read);
    }

    #[test]
    fn a_message_with_an_unknown_member_is_refused(name: String) {
        prop_assume!(!["type", "ref"].contains(&name.as_str()));
        let sent = json!({"type": "ping", "ref": "r", name: "x"}).to_string();
        let refused = Request::read(&sent).unwrap_err();
        prop_assert_eq!(refused.reference.as_deref(), Some("r"));
    }
}

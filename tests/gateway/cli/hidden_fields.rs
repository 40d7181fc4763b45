//! Commands about people with fields that the caller's role hides, and refusals of rights.

use crate::cli::process::{SAVE_ADA, gateway, run};
use crate::cli::script::{Script, answer};

const ID: &str = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
const OTHER: &str = "0190f3e2-7c1b-7d9a-8f00-1234567890ac";

/// Two people: one without all fields that can be hidden, and one with a job.
fn people() -> [String; 2] {
    [(ID, ""), (OTHER, r#""job":"Chef","#)]
        .map(|(id, shown)| format!(r#"{{"id":"{id}",{shown}"revision":"a.1.1"}}"#))
}

/// Runs a command with this answer: exit code, standard output, standard error.
async fn with_answer(arguments: &[&str], answer: &str) -> (i32, String, String) {
    let script = Script::start().await;
    let url = script.url();
    let command = gateway(&[arguments, &["--url", &url]].concat());
    let (_, ran) = tokio::join!(script.next(answer), run(command));
    ran
}

#[tokio::test]
async fn a_person_is_shown_without_what_is_hidden() {
    let [hidden, cook] = people();
    for (person, plain) in [
        (
            &hidden,
            format!("  id          {ID}\n  revision    a.1.1\n"),
        ),
        (
            &cook,
            format!("Chef\n  id          {OTHER}\n  revision    a.1.1\n"),
        ),
    ] {
        let found = answer("200 OK", person);
        let (code, out, errors) = with_answer(&["get", ID], &found).await;
        assert_eq!((code, out, errors.as_str()), (0, format!("{person}\n"), ""));
        let (code, out, _) = with_answer(&["get", "--plain", ID], &found).await;
        assert_eq!((code, out), (0, plain));
    }
}

#[tokio::test]
async fn an_export_has_empty_cells_for_what_is_hidden() {
    let lines = people().map(|person| person + "\n").concat();
    let page = answer("200 OK\r\nContent-Type: application/x-ndjson", &lines);
    for (format, expected) in [
        ("ndjson", lines.clone()),
        (
            "csv",
            format!("id,firstName,lastName,age,job,attributes\n{ID},,,,,\n{OTHER},,,,Chef,\n"),
        ),
        ("plain", format!("{ID}\n{OTHER}  Chef\n")),
    ] {
        let (code, out, errors) = with_answer(&["export", "--format", format], &page).await;
        assert_eq!((code, errors.as_str()), (0, ""));
        assert_eq!(out, expected);
    }
}

#[tokio::test]
async fn a_save_whose_answer_has_no_body_prints_nothing() {
    let (code, out, errors) = with_answer(&SAVE_ADA, &answer("200 OK", "")).await;
    assert_eq!((code, out.as_str(), errors.as_str()), (0, "", ""));
}

#[tokio::test]
async fn refusals_of_rights_are_told_in_words() {
    let forbidden = answer(
        "403 Forbidden\r\nContent-Type: application/problem+json",
        r#"{"type":"/problems/forbidden","status":403,"detail":"The role guest lacks read."}"#,
    );
    for arguments in [&["get", ID][..], &["export"], &SAVE_ADA, &["delete", ID]] {
        let (code, out, errors) = with_answer(arguments, &forbidden).await;
        assert_eq!((code, out.as_str()), (1, ""));
        assert_eq!(errors, "people-gateway: The role guest lacks read.\n");
    }
    let hidden = answer(
        "403 Forbidden\r\nContent-Type: application/problem+json",
        r#"{"type":"/problems/filter","detail":"job is hidden.","offset":0,"length":3}"#,
    );
    let (code, _, errors) = with_answer(&["export", "--where", "job == \"\""], &hidden).await;
    let marked = "people-gateway: the filter is refused: job is hidden.\n  job == \"\"\n  ^^^\n";
    assert_eq!((code, errors.as_str()), (1, marked));
}

//! The documents of problems.

use super::*;

#[test]
fn a_problem_is_written_with_its_members_and_its_instance() {
    let problem = Problem::new(ProblemKind::StoreUnavailable, "Try again.")
        .with("outcome", "unknown")
        .caused_by("x");
    assert_eq!(
        problem.to_json(Some("urn:uuid:1")).to_string(),
        concat!(
            r#"{"type":"/problems/store-unavailable","title":"The store does not answer","#,
            r#""status":503,"detail":"Try again.","instance":"urn:uuid:1","#,
            r#""outcome":"unknown"}"#
        )
    );
    assert_eq!(problem.headers()[RETRY_AFTER], "1");
}

#[test]
fn an_internal_problem_has_no_type_and_shows_no_cause() {
    let text = Problem::new(ProblemKind::Internal, "Sorry.")
        .caused_by("secret")
        .to_json(None)
        .to_string();
    assert!(
        text.contains(r#""type":"about:blank""#) && !text.contains("secret"),
        "{text}"
    );
}

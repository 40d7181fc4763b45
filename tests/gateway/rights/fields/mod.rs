//! Fields: what is hidden is shown nowhere, no filter asks for it, and no copy tells of it.

mod canaries;
mod filters;
mod projections;

use serde_json::json;

use super::{PolicyGateway, SALARY, member, person_path};
use crate::live::ids;
use crate::views::save;

/// A cache may hold an answer for one caller only. One that asks again with the tag of another
/// caller's copy must not be told that the copy is its own.
#[tokio::test]
async fn a_copy_of_one_caller_is_never_taken_for_that_of_another() {
    let office = PolicyGateway::start().await;
    let id = &ids(1)[0];
    save(office.gateway(), id, &member("red")).await;
    let (admin, red, path) = (office.admin(), office.clerk("red"), person_path(id));
    let assistant = office.caller(&json!({"role": "assistant"}));
    let lead = office.caller(&json!({"role": "lead", "team": "red", "teams": ["red"]}));
    let mut tags = Vec::new();
    for (caller, is_masked) in [(&admin, false), (&red, true), (&assistant, true)] {
        let answer = caller.get(&path).await;
        let tag = answer.header("etag").expect("a tag").to_owned();
        assert_eq!(answer.body.contains(&SALARY.to_string()), !is_masked);
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert!(
            vary.iter().any(|vary| *vary == "Authorization"),
            "{answer:?}"
        );
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
        for (other, status) in tags.iter().zip([200; 3]).chain([(&tag, 304)]) {
            let again = [("if-none-match", other.as_str())];
            let again = caller.call("GET", &path, &again, "").await;
            assert_eq!(again.status, status, "{again:?}");
            assert_eq!(again.header("etag"), Some(tag.as_str()));
            assert!(!is_masked || !again.body.contains(&SALARY.to_string()));
        }
        let all = tags.join(", ");
        let again = caller
            .call("GET", &path, &[("if-none-match", &all)], "")
            .await;
        assert_eq!(again.status, 200);
        tags.push(tag);
    }
    let list = red.get("/people").await;
    assert_eq!(list.header("cache-control"), Some("private"));
    // A caller that sees the whole person has the administrator's copy.
    let same = lead
        .call("GET", &path, &[("if-none-match", &tags[0])], "")
        .await;
    assert_eq!(same.status, 304);
    // A write depends on the person only: any of the tags, and the revision alone.
    let revision = red.get(&path).await.json()["revision"].clone();
    assert_eq!(tags[0], revision.to_string());
    for tag in tags.clone() {
        let answer = red.call("GET", &path, &[("if-match", &tag)], "").await;
        assert_eq!(answer.status, 200);
    }
    let written = red
        .call("PATCH", &path, &[("if-match", &tags[1])], "{}")
        .await;
    assert_eq!(written.status, 200);
    let current = written.header("etag").expect("a tag");
    assert_eq!(red.get(&path).await.header("etag"), Some(current));
    let stale = red
        .call("PATCH", &path, &[("if-match", &tags[1])], "{}")
        .await;
    stale.problem(412, "precondition");
}

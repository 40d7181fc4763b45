//! One person: created, read, replaced, patched, deleted.

use serde_json::{Value, json};

use crate::{ADA, UNUSED_ID};
use people_testing::http::{Gateway, resolved};

#[tokio::test]
async fn a_creation_answers_with_location_entity_tag_and_change_position() {
    let gateway = Gateway::start().await;
    let created = gateway.send("POST", "/people", ADA).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header("content-type"), Some("application/json"));
    let person = created.json();
    let (id, revision) = (
        person["id"].as_str().expect("an id"),
        person["revision"].as_str().expect("a revision"),
    );
    assert_eq!(id.as_bytes()[14], b'7', "the server makes ids of version 7");
    let location = created.header("location").expect("a location");
    assert_eq!(resolved("/people", location), format!("/people/{id}"));
    assert_eq!(
        resolved("/gw/people", location),
        format!("/gw/people/{id}"),
        "below a proxy's path"
    );
    assert_eq!(created.header("etag"), Some(&*format!("\"{revision}\"")));
    let (partition, position) = created
        .header("change-position")
        .expect("a position")
        .split_once(':')
        .expect("an at");
    assert!(partition.parse::<u16>().expect("a number") < 4);
    assert_eq!(position, revision);
    assert_eq!(
        person,
        json!({
            "id": id, "firstName": "Ada", "lastName": "Lovelace", "age": 36, "job": "Mathematician",
            "revision": revision,
            "createdAt": person["createdAt"], "updatedAt": person["createdAt"],
        })
    );
    let time = person["createdAt"].as_str().expect("a time");
    assert_eq!(
        (time.len(), &time[19..20], &time[23..]),
        (24, ".", "Z"),
        "UTC with milliseconds"
    );

    let read = gateway.get(&format!("/people/{id}")).await;
    assert_eq!((read.status, &read.body), (200, &created.body));
    assert_eq!(read.header("etag"), created.header("etag"));
    assert_eq!(read.header("cache-control"), Some("no-cache"));
    assert_eq!(read.header("vary"), Some("Accept"));
}

#[tokio::test]
async fn attributes_are_kept_unchanged_and_left_out_when_there_are_none() {
    let gateway = Gateway::start().await;
    let body = concat!(
        r#"{"firstName":"A","lastName":"B","age":0,"job":"","#,
        r#""attributes":{"z":1.0,"a":[null,{"ü":"x"}]}}"#
    );
    let id = gateway.create(body).await;
    let read = gateway.get(&format!("/people/{id}")).await;
    assert!(
        read.body
            .contains(r#""attributes":{"z":1.0,"a":[null,{"ü":"x"}]}"#),
        "{}",
        read.body
    );
    let saved = gateway.send("PUT", &format!("/people/{id}"), ADA).await;
    assert!(saved.json().get("attributes").is_none());
}

#[tokio::test]
async fn every_call_on_an_absent_person_answers_404() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{UNUSED_ID}");
    for (method, body) in [
        ("GET", ""),
        ("PUT", ADA),
        ("PATCH", r#"{"age":1}"#),
        ("DELETE", ""),
    ] {
        let problem = gateway
            .send(method, &path, body)
            .await
            .problem(404, "not-found");
        let detail = problem["detail"].as_str().expect("text");
        assert!(
            detail.starts_with(&format!("There is no record with id: {UNUSED_ID}")),
            "{method} {detail}"
        );
    }
}

#[tokio::test]
async fn ids_in_paths_are_uuids_in_any_case() {
    let gateway = Gateway::start().await;
    let id = gateway.create(ADA).await;
    let read = gateway.get(&format!("/people/{}", id.to_uppercase())).await;
    assert_eq!((read.status, read.json()["id"].as_str()), (200, Some(&*id)));
    for wrong in [
        "1",
        "0190f3e27c1b7d9a8f001234567890ab",
        "%ff",
        "x".repeat(36).as_str(),
    ] {
        for (method, body) in [("GET", ""), ("PUT", ADA), ("PATCH", "{}"), ("DELETE", "")] {
            gateway
                .send(method, &format!("/people/{wrong}"), body)
                .await
                .problem(400, "malformed");
        }
    }
}

#[tokio::test]
async fn a_put_replaces_all_fields_and_keeps_the_time_of_creation() {
    let gateway = Gateway::start().await;
    let id = gateway
        .create(&ADA.replace('}', r#","attributes":{"a":1}}"#))
        .await;
    let path = format!("/people/{id}");
    let before = gateway.get(&path).await.json();
    let saved = gateway.send("PUT", &path, &ADA.replace("36", "37")).await;
    assert_eq!(saved.status, 200);
    let person = saved.json();
    assert_eq!(
        (&person["age"], person.get("attributes")),
        (&json!(37), None)
    );
    assert_eq!(person["createdAt"], before["createdAt"]);
    assert_ne!(person["revision"], before["revision"]);
    assert_eq!(
        saved.header("etag").map(|tag| tag.trim_matches('"')),
        person["revision"].as_str()
    );
    assert!(saved.header("change-position").is_some() && saved.header("location").is_none());
    assert_eq!(gateway.get(&path).await.json(), person);

    let same = gateway.send("PUT", &path, &ADA.replace("36", "37")).await;
    assert_ne!(
        same.json()["revision"],
        person["revision"],
        "a save is a change, also when nothing differs"
    );
}

#[tokio::test]
async fn a_person_that_was_read_can_be_edited_and_put_back() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{}", gateway.create(ADA).await);
    let mut person = gateway.get(&path).await.json();
    person["job"] = json!("Countess");
    let saved = gateway.send("PUT", &path, &person.to_string()).await;
    assert_eq!(
        (saved.status, &saved.json()["job"]),
        (200, &json!("Countess"))
    );
}

#[tokio::test]
async fn a_body_may_name_the_paths_id_or_none_and_a_post_ignores_it() {
    let gateway = Gateway::start().await;
    let with_id = |id: Value| ADA.replacen('{', &format!(r#"{{"id":{id},"#), 1);
    let created = gateway
        .send("POST", "/people", &with_id(json!(UNUSED_ID)))
        .await;
    assert_eq!(created.status, 201);
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    assert_ne!(id, UNUSED_ID);
    assert_eq!(
        gateway
            .send("POST", "/people", &with_id(json!(7)))
            .await
            .status,
        201
    );
    let path = format!("/people/{id}");
    for allowed in [Value::Null, json!(id), json!(id.to_uppercase())] {
        assert_eq!(
            gateway.send("PUT", &path, &with_id(allowed)).await.status,
            200
        );
    }
    for method in ["PUT", "PATCH"] {
        let problem = gateway
            .send(method, &path, &with_id(json!(UNUSED_ID)))
            .await
            .problem(422, "validation");
        assert_eq!(problem["errors"][0]["pointer"], "/id", "{method}");
    }
}

#[tokio::test]
async fn a_patch_merges_under_either_of_its_types() {
    let gateway = Gateway::start().await;
    let path = format!(
        "/people/{}",
        gateway
            .create(&ADA.replace('}', r#","attributes":{"a":1,"b":{"c":2}}}"#))
            .await
    );
    let body = r#"{"age":40,"attributes":{"a":null,"b":{"d":3}}}"#;
    let merged = gateway
        .call(
            "PATCH",
            &path,
            &[("content-type", "application/merge-patch+json")],
            body,
        )
        .await;
    assert_eq!(merged.status, 200, "{merged:?}");
    let person = merged.json();
    assert_eq!(
        (&person["age"], &person["firstName"]),
        (&json!(40), &json!("Ada"))
    );
    assert_eq!(person["attributes"], json!({"b": {"c": 2, "d": 3}}));
    assert!(merged.header("change-position").is_some() && merged.header("etag").is_some());
    assert_eq!(gateway.get(&path).await.json(), person);
    assert_eq!(
        gateway
            .send("PATCH", &path, r#"{"attributes":null}"#)
            .await
            .json()
            .get("attributes"),
        None
    );
    let problem = gateway
        .send("PATCH", &path, r#"{"age":null,"job":7,"x":1}"#)
        .await
        .problem(422, "validation");
    let pointers: Vec<&str> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| error["pointer"].as_str().expect("a pointer"))
        .collect();
    assert_eq!(pointers, ["/job", "/x", "/age"]);
}

#[tokio::test]
async fn a_delete_has_no_content_and_a_person_created_again_has_a_new_time_of_creation() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{UNUSED_ID}");
    let create = [("content-type", "application/json"), ("if-none-match", "*")];
    let first = gateway.call("PUT", &path, &create, ADA).await;
    assert_eq!(first.status, 201);
    let location = first.header("location").expect("a location");
    assert_eq!(resolved(&path, location), path);
    assert_eq!(
        resolved(&format!("/gw{path}"), location),
        format!("/gw{path}"),
        "below a proxy's path"
    );
    let deleted = gateway.call("DELETE", &path, &[], "").await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    assert!(
        deleted
            .header("change-position")
            .is_some_and(|at| at.contains(':'))
    );
    gateway.get(&path).await.problem(404, "not-found");
    gateway
        .call("DELETE", &path, &[], "")
        .await
        .problem(404, "not-found");
    let again = gateway.call("PUT", &path, &create, ADA).await;
    assert_eq!(again.status, 201);
    let [first, again] = [first, again].map(|answer| answer.json());
    assert!(
        again["createdAt"].as_str() > first["createdAt"].as_str(),
        "{again} {first}"
    );
}

#[tokio::test]
async fn head_works_where_get_does() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{}", gateway.create(ADA).await);
    for path in [path.as_str(), "/people?limit=1", "/people"] {
        let (get, head) = (
            gateway.get(path).await,
            gateway.call("HEAD", path, &[], "").await,
        );
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        for name in ["etag", "content-type", "cache-control", "vary", "link"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
    }
    let absent = gateway
        .call("HEAD", &format!("/people/{UNUSED_ID}"), &[], "")
        .await;
    assert_eq!((absent.status, absent.body.as_str()), (404, ""));
}

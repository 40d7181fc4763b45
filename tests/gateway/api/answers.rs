//! Real answers, one for each status that these tests can cause, compared with the description.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::description::Description;
use crate::{ADA, UNUSED_ID};
use people_testing::http::{Answer, Gateway, Setup, StoreAccess};
use people_testing::process;

const JSON: (&str, &str) = ("content-type", "application/json");
const KEYED: (&str, &str) = ("idempotency-key", "k");
const STALE: (&str, &str) = ("if-match", "\"1.1.1\"");

/// Statuses that need a failing store, a slow client, a stream, a token or a limit; other tests see
/// them.
const ELSEWHERE: [&str; 11] = [
    "101", "401", "403", "408", "409", "410", "421", "426", "429", "500", "507",
];

/// Makes calls, and compares their answers with the description.
struct Checker<'g> {
    gateway: &'g Gateway,
    description: Description,
}

impl Checker<'_> {
    /// Makes a call to a path of the description, with `part` in place of its `{…}`, and checks the
    /// answer.
    async fn call(
        &mut self,
        status: u16,
        method: &str,
        path: &str,
        part: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let (template, query) = path
            .split_once('?')
            .map_or((path, None), |(path, query)| (path, Some(query)));
        let mut filled = template
            .replace("{id}", part)
            .replace("{folder}/{file}", part)
            .replace("{file}", part);
        if let Some(query) = query {
            filled = format!("{filled}?{query}");
        }
        let answer = self.gateway.call(method, &filled, headers, body).await;
        assert_eq!(answer.status, status, "{method} {filled}: {answer:?}");
        self.description.check(method, template, &answer);
        answer
    }
}

async fn people(checker: &mut Checker<'_>) -> String {
    let created = checker
        .call(201, "POST", "/people", "", &[JSON, KEYED], ADA)
        .await;
    assert!(created.header("location").is_some() && created.header("change-position").is_some());
    let replayed = checker
        .call(201, "POST", "/people", "", &[JSON, KEYED], ADA)
        .await;
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    for (status, headers, body) in [
        (
            422,
            vec![JSON, KEYED],
            r#"{"firstName":"B","lastName":"L","age":1,"job":""}"#,
        ),
        (422, vec![JSON], r#"{"age":200,"nickname":"x"}"#),
        (400, vec![JSON], "{"),
        (400, vec![JSON, ("idempotency-key", "a b")], ADA),
        (400, vec![JSON, ("if-match", "*")], ADA),
        (413, vec![JSON], &" ".repeat(70_000)),
        (415, vec![], ADA),
    ] {
        checker
            .call(status, "POST", "/people", "", &headers, body)
            .await;
    }
    checker.call(201, "POST", "/people", "", &[JSON], ADA).await;
    for (path, headers) in [
        ("/people", vec![]),
        ("/people", vec![("accept", "application/x-ndjson")]),
        ("/people?where=age%20%3E%203&limit=1000", vec![]),
    ] {
        checker.call(200, "GET", path, "", &headers, "").await;
    }
    let page = checker
        .call(200, "GET", "/people?limit=1", "", &[], "")
        .await;
    assert!(page.header("link").is_some());
    for query in ["?limit=0", "?after=x", "?where=age%20%3D%203", "?wher=x"] {
        checker
            .call(400, "GET", &format!("/people{query}"), "", &[], "")
            .await;
    }
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    for (status, id, headers) in [
        (200, id.as_str(), vec![]),
        (
            304,
            &id,
            vec![("if-none-match", created.header("etag").expect("a tag"))],
        ),
        (412, &id, vec![STALE]),
        (400, &id, vec![("if-match", "x")]),
        (400, "x", vec![]),
        (404, UNUSED_ID, vec![]),
    ] {
        checker
            .call(status, "GET", "/people/{id}", id, &headers, "")
            .await;
    }
    id
}

async fn writes(checker: &mut Checker<'_>, id: &str) {
    let merge = ("content-type", "application/merge-patch+json");
    let other = "0190f3e2-7c1b-7d9a-8f00-1234567890ac";
    for (status, method, id, headers, body) in [
        (200, "PUT", id, vec![JSON, KEYED], ADA),
        (201, "PUT", other, vec![JSON, ("if-none-match", "*")], ADA),
        (412, "PUT", other, vec![JSON, ("if-none-match", "*")], ADA),
        (404, "PUT", UNUSED_ID, vec![JSON], ADA),
        (
            422,
            "PUT",
            id,
            vec![JSON],
            r#"{"id":"0190f3e2-7c1b-7d9a-8f00-1234567890ab"}"#,
        ),
        (400, "PUT", "x", vec![JSON], ADA),
        (413, "PUT", id, vec![JSON], &" ".repeat(70_000)),
        (415, "PUT", id, vec![merge], ADA),
        (200, "PATCH", id, vec![merge, KEYED], r#"{"age":37}"#),
        (200, "PATCH", id, vec![JSON], r#"{"attributes":{"a":1}}"#),
        (400, "PATCH", id, vec![merge], "["),
        (404, "PATCH", UNUSED_ID, vec![merge], "{}"),
        (412, "PATCH", id, vec![merge, STALE], "{}"),
        (413, "PATCH", id, vec![merge], &" ".repeat(70_000)),
        (415, "PATCH", id, vec![], "{}"),
        (422, "PATCH", id, vec![merge], r#"{"age":null}"#),
        (412, "DELETE", id, vec![STALE], ""),
        (204, "DELETE", id, vec![KEYED], ""),
        (204, "DELETE", id, vec![KEYED], ""),
        (422, "DELETE", id, vec![KEYED, ("if-match", "*")], ""),
        (404, "DELETE", id, vec![], ""),
        (400, "DELETE", "x", vec![], ""),
        (413, "DELETE", other, vec![], &" ".repeat(70_000)),
    ] {
        checker
            .call(status, method, "/people/{id}", id, &headers, body)
            .await;
    }
}

async fn import(checker: &mut Checker<'_>) {
    let lines = ("content-type", "application/x-ndjson");
    let report = checker
        .call(
            200,
            "POST",
            "/people/import",
            "",
            &[lines],
            &format!("{ADA}\n{{}}\n[\n"),
        )
        .await;
    let lines_of: Vec<Value> = report
        .body
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let (total, refused) = lines_of.split_last().expect("a total");
    let schema = |name: &str| checker.description.schema(name).clone();
    assert_eq!(
        checker.description.faults(&schema("ImportTotal"), total),
        ""
    );
    assert_eq!(refused.len(), 2);
    for line in refused {
        assert_eq!(
            checker.description.faults(&schema("ImportRefusal"), line),
            "",
            "{line}"
        );
    }
    checker
        .call(400, "POST", "/people/import", "", &[lines, KEYED], ADA)
        .await;
    checker
        .call(415, "POST", "/people/import", "", &[JSON], ADA)
        .await;
}

async fn pages(checker: &mut Checker<'_>) {
    for (path, part) in [
        ("/", ""),
        ("/console/{file}", "main.js"),
        ("/console/{folder}/{file}", "vendor/uplot.css"),
        ("/docs", ""),
        ("/docs/{file}", "icon.svg"),
        ("/docs/{folder}/{file}", "vendor/htm-preact.js"),
        ("/openapi.json", ""),
        ("/asyncapi.yaml", ""),
    ] {
        checker.call(200, "GET", path, part, &[], "").await;
        checker
            .call(304, "GET", path, part, &[("if-none-match", "*")], "")
            .await;
        if path.contains("{file}") {
            checker
                .call(
                    404,
                    "GET",
                    path,
                    "x/y"
                        .get(..part.matches('/').count() * 2 + 1)
                        .expect("in it"),
                    &[],
                    "",
                )
                .await;
        }
    }
}

#[tokio::test]
async fn every_answer_is_described_and_every_described_answer_is_real() {
    let gateway = Gateway::start().await;
    let description = Description::of(&gateway).await;
    let mut checker = Checker {
        gateway: &gateway,
        description,
    };
    let id = people(&mut checker).await;
    writes(&mut checker, &id).await;
    import(&mut checker).await;
    pages(&mut checker).await;
    checker
        .call(400, "GET", "/updates?kinds=x", "", &[], "")
        .await;
    for (status, path) in [(200, "/rights"), (400, "/rights?x=1")] {
        checker.call(status, "GET", path, "", &[], "").await;
    }

    // The same calls without a store.
    let outage = Gateway::start_with(Setup {
        store_access: StoreAccess::Unavailable,
        ..Setup::default()
    })
    .await;
    let mut checker = Checker {
        gateway: &outage,
        description: checker.description,
    };
    checker.call(503, "GET", "/people", "", &[], "").await;
    checker.call(503, "POST", "/people", "", &[JSON], ADA).await;
    checker
        .call(
            503,
            "POST",
            "/people/import",
            "",
            &[("content-type", "application/x-ndjson")],
            ADA,
        )
        .await;
    for (method, body) in [("GET", ""), ("PUT", ADA), ("PATCH", "{}"), ("DELETE", "")] {
        checker
            .call(503, method, "/people/{id}", UNUSED_ID, &[JSON], body)
            .await;
    }
    checker.call(503, "GET", "/updates", "", &[], "").await;

    let off = Gateway::start_with(Setup {
        options: people_gateway::http::Options {
            console: people_gateway::http::Console::Off,
            ..Default::default()
        },
        ..Setup::default()
    })
    .await;
    let mut checker = Checker {
        gateway: &off,
        description: checker.description,
    };
    checker.call(404, "GET", "/", "", &[], "").await;

    // A stream does not end, and keys are missing only where they come from a URL (auth/jwks).
    let elsewhere = [("updates", "200"), ("readRights", "503")];
    let elsewhere = elsewhere.map(|(call, status)| (call.to_owned(), status.to_owned()));
    let missing: BTreeSet<_> = checker
        .description
        .described()
        .difference(checker.description.seen())
        .cloned()
        .collect();
    let missing: Vec<_> = missing
        .iter()
        .filter(|(_, status)| !ELSEWHERE.contains(&status.as_str()))
        .filter(|one| !elsewhere.contains(one))
        .collect();
    assert!(missing.is_empty(), "described, but never seen: {missing:?}");
}

#[tokio::test]
async fn streams_are_as_described() {
    let gateway = process::Gateway::ready(&[]).await;
    let document = gateway
        .request("GET", "/openapi.json")
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let mut description = Description::new(document);
    for (path, origin, status) in [
        ("/updates", None, 200),
        ("/people", None, 200),
        ("/updates", Some("http://x.example"), 403),
    ] {
        let mut request = gateway
            .request("GET", path)
            .header("accept", "text/event-stream");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let response = request.send().await.expect("an answer");
        let (code, headers) = (response.status().as_u16(), response.headers().clone());
        assert_eq!(code, status, "{path}");
        // A stream does not end; asyncapi.yaml describes its messages.
        let body = if code == 200 {
            String::new()
        } else {
            response.text().await.expect("text")
        };
        description.check(
            "GET",
            path,
            &Answer {
                status: code,
                headers,
                body,
            },
        );
    }
    assert_eq!(
        description.paths()["/updates"]["get"]["x-stream"],
        json!(true)
    );
}

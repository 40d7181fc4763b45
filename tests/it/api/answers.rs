//! Real answers, one for each status that can be had, held against the description.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::description::Description;
use crate::gateway::{Answer, Between, Gateway, Setup};
use crate::process;
use crate::{ADA, NOBODY};

const JSON: (&str, &str) = ("content-type", "application/json");
const KEYED: (&str, &str) = ("idempotency-key", "k");
const STALE: (&str, &str) = ("if-match", "\"1.1.1\"");

/// What needs a store that fails, a slow client or a stream to be seen; tests of their own see it.
const ELSEWHERE: [&str; 9] = [
    "101", "403", "408", "409", "410", "421", "426", "500", "507",
];

/// Calls and judges, one call after the other.
struct Court<'g> {
    gateway: &'g Gateway,
    description: Description,
}

impl Court<'_> {
    /// Makes a call at a path of the description, whose `{…}` is filled with `part`, and judges the
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
        self.description.judge(method, template, &answer);
        answer
    }
}

async fn people(court: &mut Court<'_>) -> String {
    let created = court
        .call(201, "POST", "/people", "", &[JSON, KEYED], ADA)
        .await;
    assert!(created.header("location").is_some() && created.header("change-position").is_some());
    let replayed = court
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
        court
            .call(status, "POST", "/people", "", &headers, body)
            .await;
    }
    court.call(201, "POST", "/people", "", &[JSON], ADA).await;
    for (path, headers) in [
        ("/people", vec![]),
        ("/people", vec![("accept", "application/x-ndjson")]),
        ("/people?where=age%20%3E%203&limit=1000", vec![]),
    ] {
        court.call(200, "GET", path, "", &headers, "").await;
    }
    let page = court.call(200, "GET", "/people?limit=1", "", &[], "").await;
    assert!(page.header("link").is_some());
    for query in ["?limit=0", "?after=x", "?where=age%20%3D%203", "?wher=x"] {
        court
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
        (404, NOBODY, vec![]),
    ] {
        court
            .call(status, "GET", "/people/{id}", id, &headers, "")
            .await;
    }
    id
}

async fn writes(court: &mut Court<'_>, id: &str) {
    let merge = ("content-type", "application/merge-patch+json");
    let other = "0190f3e2-7c1b-7d9a-8f00-1234567890ac";
    for (status, method, id, headers, body) in [
        (200, "PUT", id, vec![JSON, KEYED], ADA),
        (201, "PUT", other, vec![JSON, ("if-none-match", "*")], ADA),
        (412, "PUT", other, vec![JSON, ("if-none-match", "*")], ADA),
        (404, "PUT", NOBODY, vec![JSON], ADA),
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
        (404, "PATCH", NOBODY, vec![merge], "{}"),
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
        court
            .call(status, method, "/people/{id}", id, &headers, body)
            .await;
    }
}

async fn import(court: &mut Court<'_>) {
    let lines = ("content-type", "application/x-ndjson");
    let report = court
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
    let schema = |name: &str| court.description.schema(name).clone();
    assert_eq!(court.description.faults(&schema("ImportTotal"), total), "");
    assert_eq!(refused.len(), 2);
    for line in refused {
        assert_eq!(
            court.description.faults(&schema("ImportRefusal"), line),
            "",
            "{line}"
        );
    }
    court
        .call(400, "POST", "/people/import", "", &[lines, KEYED], ADA)
        .await;
    court
        .call(415, "POST", "/people/import", "", &[JSON], ADA)
        .await;
}

async fn pages(court: &mut Court<'_>) {
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
        court.call(200, "GET", path, part, &[], "").await;
        court
            .call(304, "GET", path, part, &[("if-none-match", "*")], "")
            .await;
        if path.contains("{file}") {
            court
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
async fn real_answers_are_as_described_and_what_is_described_is_real() {
    let gateway = Gateway::start().await;
    let description = Description::of(&gateway).await;
    let mut court = Court {
        gateway: &gateway,
        description,
    };
    let id = people(&mut court).await;
    writes(&mut court, &id).await;
    import(&mut court).await;
    pages(&mut court).await;
    court
        .call(400, "GET", "/updates?kinds=x", "", &[], "")
        .await;

    // The same without a store.
    let outage = Gateway::start_with(Setup {
        between: Between::Outage,
        ..Setup::default()
    })
    .await;
    let mut court = Court {
        gateway: &outage,
        description: court.description,
    };
    court.call(503, "GET", "/people", "", &[], "").await;
    court.call(503, "POST", "/people", "", &[JSON], ADA).await;
    court
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
        court
            .call(503, method, "/people/{id}", NOBODY, &[JSON], body)
            .await;
    }
    court.call(503, "GET", "/updates", "", &[], "").await;

    let off = Gateway::start_with(Setup {
        options: people_gateway::http::Options {
            console: people_gateway::http::Console::Off,
            ..Default::default()
        },
        ..Setup::default()
    })
    .await;
    let mut court = Court {
        gateway: &off,
        description: court.description,
    };
    court.call(404, "GET", "/", "", &[], "").await;

    let stream = ("updates".to_owned(), "200".to_owned());
    let missing: BTreeSet<_> = court
        .description
        .promised()
        .difference(court.description.seen())
        .cloned()
        .collect();
    let missing: Vec<_> = missing
        .iter()
        .filter(|(_, status)| !ELSEWHERE.contains(&status.as_str()))
        .filter(|one| **one != stream)
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
        // A stream does not end: what is in it, asyncapi.yaml says.
        let body = if code == 200 {
            String::new()
        } else {
            response.text().await.expect("text")
        };
        description.judge(
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

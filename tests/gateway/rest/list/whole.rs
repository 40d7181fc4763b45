//! The whole list: each person once in id order, as an array or as lines.

use serde_json::Value;

use super::{fill, ids};
use crate::ADA;
use people_testing::http::{Gateway, Setup};

#[tokio::test]
async fn each_person_is_listed_once_in_id_order() {
    // A page has fewer people than a partition, so each partition takes several pages.
    for (partitions, buffer, count) in [(1, 10, 35), (4, 16, 150), (3, 1000, 7)] {
        let mut setup = Setup {
            partitions,
            ..Setup::default()
        };
        setup.options.list_buffer_people = buffer.try_into().expect("not zero");
        let gateway = Gateway::start_with(setup).await;
        let expected = fill(&gateway, count).await;
        let array = gateway.get("/people").await;
        assert_eq!(
            (array.status, array.header("content-type")),
            (200, Some("application/json"))
        );
        assert_eq!(array.header("vary"), Some("Accept"));
        assert_eq!(ids(&array.json()), expected);
        let lines = gateway
            .call("GET", "/people", &[("accept", "application/x-ndjson")], "")
            .await;
        assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
        assert!(lines.body.ends_with('\n'));
        let lines = lines
            .body
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(
            Value::Array(lines),
            array.json(),
            "the same people, a line each"
        );
        let one = gateway.get(&format!("/people/{}", expected[0])).await;
        assert_eq!(array.json()[0], one.json(), "the same object as alone");
    }
}

#[tokio::test]
async fn an_empty_list_is_an_empty_array_or_no_line() {
    let gateway = Gateway::start().await;
    for path in ["/people", "/people?limit=5"] {
        assert_eq!(gateway.get(path).await.body, "[]\n");
        assert_eq!(
            gateway
                .call("GET", path, &[("accept", "application/x-ndjson")], "")
                .await
                .body,
            ""
        );
    }
}

#[tokio::test]
async fn an_unsatisfiable_accept_gets_json() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{}", gateway.create(ADA).await);
    for path in ["/people", &path] {
        let answer = gateway
            .call("GET", path, &[("accept", "text/html, image/png;q=0.5")], "")
            .await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("application/json"))
        );
    }
}

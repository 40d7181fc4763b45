//! The list with `where`: exactly the matching people, whole and in pages; and the refusal of a
//! filter.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::rest::failing_store::FaultyStore;
use people_testing::http::{Gateway, Setup, resolved};

/// Saves people aged 0 to `count`, alternately of Oslo and Rome; returns the ids in order, each
/// with its age.
async fn fill(gateway: &Gateway, count: u32) -> Vec<(String, u32)> {
    let mut people: Vec<_> = (0..count)
        .map(|age| {
            (
                format!(
                    "{:08x}-0000-4000-8000-000000000000",
                    age.wrapping_mul(2_654_435_761)
                ),
                age,
            )
        })
        .collect();
    let line = |(id, age): &(String, u32)| {
        let city = if age % 2 == 0 { "Oslo" } else { "Rome" };
        format!(
            "{{\"id\":\"{id}\",\"firstName\":\"N{age}\",\"lastName\":\"L\",\"age\":{age},\
             \"job\":\"\",\"attributes\":{{\"city\":\"{city}\"}}}}\n"
        )
    };
    let body: String = people.iter().map(line).collect();
    let request = gateway
        .request("POST", "/people/import")
        .header("content-type", "application/x-ndjson");
    let answer = request
        .body(body)
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    assert!(
        answer.starts_with(&format!("{{\"saved\":{count},\"refused\":0")),
        "{answer}"
    );
    people.sort_unstable();
    people
}

fn path(filter: &str, more: &str) -> String {
    let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    format!("/people?where={filter}{more}")
}

fn ids(answer: &people_testing::http::Answer) -> Vec<String> {
    let people = answer.json();
    let id = |person: &serde_json::Value| person["id"].as_str().expect("an id").to_owned();
    people
        .as_array()
        .expect("an array")
        .iter()
        .map(id)
        .collect()
}

#[tokio::test]
async fn exactly_the_matching_people_are_listed_in_id_order() {
    for (partitions, buffer) in [(1, 10), (4, 16), (1, 1000)] {
        let mut setup = Setup {
            partitions,
            ..Setup::default()
        };
        setup.options.list_buffer_people = buffer.try_into().expect("not zero");
        let gateway = Gateway::start_with(setup).await;
        let people = fill(&gateway, 120).await;
        let wanted = |asked: &dyn Fn(u32) -> bool| -> Vec<String> {
            people
                .iter()
                .filter(|(_, age)| asked(*age))
                .map(|(id, _)| id.clone())
                .collect()
        };
        let everyone = wanted(&|_| true);
        let id = everyone[3].to_uppercase();
        for (filter, expected) in [
            ("", everyone.clone()),
            ("age >= 100", wanted(&|age| age >= 100)),
            (
                "attributes.city == 'Oslo' && (age < 10 || age == 118)",
                wanted(&|age| age % 2 == 0 && (age < 10 || age == 118)),
            ),
            (
                "!(attributes.city == \"Oslo\")",
                wanted(&|age| age % 2 == 1),
            ),
            ("age > 500", Vec::new()),
            (&format!("id == '{id}'"), vec![everyone[3].clone()]),
        ] {
            let answer = gateway.get(&path(filter, "")).await;
            assert_eq!(
                (answer.status, ids(&answer)),
                (200, expected.clone()),
                "{filter}"
            );
            let lines = gateway
                .call(
                    "GET",
                    &path(filter, ""),
                    &[("accept", "application/x-ndjson")],
                    "",
                )
                .await;
            assert_eq!(lines.body.lines().count(), expected.len(), "{filter}");
        }
    }
}

#[tokio::test]
async fn pages_have_the_matching_people_and_their_links_keep_the_filter() {
    let gateway = Gateway::start().await;
    let people = fill(&gateway, 100).await;
    let expected: Vec<_> = people
        .iter()
        .filter(|(_, age)| age % 10 == 0)
        .map(|(id, _)| id.clone())
        .collect();
    let filter = "attributes.city == 'Oslo' && age in [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]";
    for limit in [1, 3, 5, 10, 1000] {
        let mut next = path(filter, &format!("&limit={limit}"));
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let page = gateway.get(&next).await;
            let found = ids(&page);
            assert!(
                found.len() == limit || page.header("link").is_none(),
                "a page that has a next one is full"
            );
            seen.extend(found);
            pages += 1;
            let Some(link) = page.header("link") else {
                break;
            };
            let target = link
                .strip_prefix('<')
                .and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
            next = resolved(&next, target.expect("a link"));
        }
        assert_eq!(
            (seen, pages),
            (expected.clone(), 10_usize.div_ceil(limit)),
            "limit {limit}"
        );
    }
    let empty = gateway.get(&path("age > 500", "&limit=3")).await;
    assert_eq!((empty.body.as_str(), empty.header("link")), ("[]\n", None));
}

#[tokio::test]
async fn a_filtered_page_reads_full_pages_of_the_store() {
    let (mut setup, store) = FaultyStore::setup();
    setup.partitions = 1;
    let gateway = Gateway::start_with(setup).await;
    let people = fill(&gateway, 150).await;
    let pages = Arc::new(AtomicUsize::new(0));
    let read = Arc::clone(&pages);
    store.get().expect("wrapped").before_page(move || {
        read.fetch_add(1, Ordering::SeqCst);
        None
    });
    let (last, age) = people.last().expect("a person");
    let answer = gateway
        .get(&path(&format!("age == {age}"), "&limit=1"))
        .await;
    assert_eq!(ids(&answer), std::slice::from_ref(last));
    assert_eq!(pages.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_refused_filter_is_reported_with_its_position_and_a_correction() {
    let gateway = Gateway::start().await;
    for (filter, offset, length, correction) in [
        (
            "job == '😀é' && age == \"30\"",
            22,
            4,
            "write 30 without quotes",
        ),
        ("age = 3", 4, 1, "Write =="),
        ("age >", 5, 0, "missing"),
        (&"(".repeat(9000), 80, 1, "levels"),
        (
            &format!("job == '{}'", "x".repeat(16_384)),
            16_384,
            9,
            "16384 bytes",
        ),
    ] {
        let problem = gateway.get(&path(filter, "")).await.problem(400, "filter");
        assert_eq!(
            (&problem["offset"], &problem["length"]),
            (&offset.into(), &length.into()),
            "{problem}"
        );
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(correction)),
            "{problem}"
        );
    }
    gateway
        .get("/people?where=true&where=true")
        .await
        .problem(400, "malformed");
    gateway
        .get("/people?wher=age+%3E+3")
        .await
        .problem(400, "malformed");
}

//! Pages: their links lead to the last one, and each has exactly its people.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use people_gateway::domain::{FieldsJson, Timestamp};
use people_gateway::store::{Expectation, Write};
use serde_json::json;

use super::{fill, ids};
use crate::rest::failing_store::FaultyStore;
use people_testing::http::{Gateway, Setup, resolved};

#[tokio::test]
async fn links_lead_from_page_to_page_and_the_last_page_has_none() {
    let gateway = Gateway::start().await;
    let expected = fill(&gateway, 20).await;
    for limit in [1, 3, 10, 20, 1000] {
        let mut path = format!("/people?limit={limit}");
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let page = gateway.get(&path).await;
            assert_eq!(page.status, 200, "{page:?}");
            let found = ids(&page.json());
            assert!(found.len() <= limit);
            seen.extend(found);
            pages += 1;
            let Some(link) = page.header("link") else {
                break;
            };
            let target = link
                .strip_prefix('<')
                .and_then(|rest| rest.strip_suffix(">; rel=\"next\""))
                .expect("a link");
            assert_eq!(target.matches("after=").count(), 1, "{target}");
            assert!(
                target.contains(&format!("limit={limit}")),
                "other parameters are kept: {target}"
            );
            path = resolved(&path, target);
        }
        assert_eq!(
            (seen, pages),
            (expected.clone(), 20_usize.div_ceil(limit)),
            "limit {limit}"
        );
    }
    let rest = gateway
        .get(&format!("/people?after={}", expected[4].to_uppercase()))
        .await;
    assert_eq!(ids(&rest.json()), expected[5..]);
    let lines = gateway
        .call(
            "GET",
            "/people?limit=2",
            &[("accept", "application/x-ndjson")],
            "",
        )
        .await;
    assert_eq!(
        (lines.body.lines().count(), lines.header("link").is_some()),
        (2, true)
    );
}

#[tokio::test]
async fn invalid_limits_and_ids_are_refused() {
    let gateway = Gateway::start().await;
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=",
        "limit=x",
        "after=x",
        "after=",
        "limit=1&limit=1",
    ] {
        gateway
            .get(&format!("/people?{query}"))
            .await
            .problem(400, "malformed");
    }
}

/// The pages are longer than the part that is kept, so they are read twice.
#[tokio::test]
async fn long_pages_have_exactly_their_people_and_link_to_the_rest() {
    for partitions in [1, 8] {
        let gateway = Gateway::start_with(Setup {
            partitions,
            ..Setup::default()
        })
        .await;
        let expected = fill_large(&gateway, 60).await;
        for (accept, where_, limit) in [
            ("*/*", "", 50),
            ("application/x-ndjson", "", 50),
            ("*/*", "&where=age%20%3E%3D%2010", 45),
        ] {
            let headers = [("accept", accept)];
            let page = gateway
                .call(
                    "GET",
                    &format!("/people?limit={limit}{where_}"),
                    &headers,
                    "",
                )
                .await;
            let of = |people: &str| -> Vec<String> {
                people
                    .split("\"id\":\"")
                    .skip(1)
                    .map(|person| person[..36].to_owned())
                    .collect()
            };
            let wanted: Vec<_> = expected
                .iter()
                .filter(|(_, age)| where_.is_empty() || *age >= 10)
                .collect();
            let first: Vec<_> = wanted
                .iter()
                .take(limit)
                .map(|(id, _)| id.clone())
                .collect();
            assert_eq!(of(&page.body), first, "{accept} {where_}");
            let link = page.header("link").expect("others follow");
            let path = resolved(
                "/people",
                link.strip_prefix('<').unwrap().split('>').next().unwrap(),
            );
            let rest = gateway.call("GET", &path, &headers, "").await;
            let last: Vec<_> = wanted
                .iter()
                .skip(limit)
                .map(|(id, _)| id.clone())
                .collect();
            assert_eq!((of(&rest.body), rest.header("link")), (last, None));
        }
    }
}

/// The rest of a long page is read while it is sent. People that are deleted meanwhile are left
/// out, and no others replace them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_page_has_only_people_that_it_counted() {
    let (mut setup, store) = FaultyStore::setup();
    setup.partitions = 1;
    let gateway = Gateway::start_with(setup).await;
    let expected = fill_large(&gateway, 60).await;
    let store = Arc::clone(store.get().expect("wrapped"));
    let reads = Arc::new(AtomicUsize::new(0));
    store.before_page({
        let reads = Arc::clone(&reads);
        move || {
            reads.fetch_add(1, Ordering::SeqCst);
            None
        }
    });
    assert_eq!(ids(&gateway.get("/people?limit=50").await.json()).len(), 50);
    // At that read the page is counted, and its rest is being read for the second time.
    let late = reads.swap(0, Ordering::SeqCst) - 2;
    let deleted: Vec<String> = expected[45..49]
        .iter()
        .chain(&expected[50..])
        .map(|(id, _)| id.clone())
        .collect();
    assert!(expected[48].0.as_str() < NEW && NEW < expected[49].0.as_str());
    store.before_page({
        let (deleted, people, runtime) = (
            deleted.clone(),
            store.inner(),
            tokio::runtime::Handle::current(),
        );
        let fields =
            FieldsJson::from_stored(r#"{"firstName":"N","lastName":"L","age":1,"job":""}"#)
                .expect("fields");
        move || {
            if reads.fetch_add(1, Ordering::SeqCst) == late {
                let writes = deleted
                    .iter()
                    .map(|id| write(id, None))
                    .chain([write(NEW, Some(&fields))]);
                let writing =
                    futures_util::future::try_join_all(writes.map(|write| people.apply(write)));
                tokio::task::block_in_place(|| runtime.block_on(writing)).expect("all is written");
            }
            None
        }
    });
    let page = gateway.get("/people?limit=50").await;
    let left: Vec<_> = expected[..45]
        .iter()
        .chain([&expected[49]])
        .map(|(id, _)| id.clone())
        .collect();
    assert_eq!(ids(&page.json()), left);
    assert!(
        page.header("link")
            .expect("others followed")
            .contains(&expected[49].0)
    );
}

/// An id between the last two of a page of fifty.
const NEW: &str = "d0000000-0000-4000-8000-000000000000";

fn write(id: &str, save: Option<&FieldsJson>) -> Write {
    let (id, time) = (id.parse().expect("an id"), Timestamp::from_millis(1));
    Write {
        id,
        save: save.cloned(),
        expect: Expectation::Anything,
        idempotency: None,
        time,
        trace: None,
    }
}

/// Saves people of 8 KiB; returns their ids and ages in id order.
async fn fill_large(gateway: &Gateway, count: u32) -> Vec<(String, u32)> {
    let mut people: Vec<_> = (0..count)
        .map(|n| {
            (
                format!(
                    "{:08x}-0000-4000-8000-000000000000",
                    n.wrapping_mul(2_654_435_761)
                ),
                n,
            )
        })
        .collect();
    let note = "x".repeat(8000);
    let line = |(id, age): &(String, u32)| {
        let person = json!({"id": id, "firstName": "A", "lastName": "L", "age": age, "job": "",
                            "attributes": {"note": note}});
        format!("{person}\n")
    };
    let body: String = people.iter().map(line).collect();
    let answer = gateway
        .call(
            "POST",
            "/people/import",
            &[("content-type", "application/x-ndjson")],
            &body,
        )
        .await;
    assert!(answer.body.contains("\"refused\":0"), "{answer:?}");
    people.sort_unstable();
    people
}

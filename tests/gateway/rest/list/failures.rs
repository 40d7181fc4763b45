//! A store that fails before the list begins is answered with 503; later, the list is cut.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use people_gateway::store::StoreError;

use super::fill;
use crate::rest::failing_store::FaultyStore;
use people_testing::http::Gateway;

#[tokio::test]
async fn a_store_that_fails_before_the_list_begins_is_answered_with_503() {
    let (setup, store) = FaultyStore::setup();
    let gateway = Gateway::start_with(setup).await;
    store
        .get()
        .expect("wrapped")
        .before_page(|| Some(StoreError::Unavailable("down".into())));
    for path in ["/people", "/people?limit=3"] {
        let answer = gateway.get(path).await;
        answer.problem(503, "store-unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
}

#[tokio::test]
async fn half_a_list_is_cut_so_that_it_never_parses() {
    let (mut setup, store) = FaultyStore::setup();
    setup.partitions = 1;
    setup.options.list_buffer_people = 200.try_into().expect("not zero");
    let gateway = Gateway::start_with(setup).await;
    fill(&gateway, 1000).await;
    let pages = AtomicUsize::new(0);
    store.get().expect("wrapped").before_page(move || {
        let fails = pages.fetch_add(1, Ordering::SeqCst) >= 3;
        fails.then(|| StoreError::Unavailable("down".into()))
    });
    let answer = gateway
        .request("GET", "/people")
        .send()
        .await
        .expect("an answer begins");
    assert_eq!(answer.status(), 200);
    let mut pieces = answer.bytes_stream();
    let (mut bytes, mut cut) = (0, false);
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => bytes += piece.len(),
            Err(_) => cut = true,
        }
    }
    assert!(cut && bytes > 0, "{bytes} bytes, then a cut: {cut}");
}

//! How long keys hold and which callers wait for a fetch; the tests play the server.

use std::sync::atomic::{AtomicUsize, Ordering};

use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

use super::*;
use crate::auth::algorithm::Algorithm;
use crate::auth::jws::{FreshKey, fresh_key};

const SECOND: Duration = Duration::from_secs(1);

fn keys() -> Arc<FetchedKeys> {
    let options = FetchOptions {
        url: "http://127.0.0.1:1/keys".parse().expect("a URL"),
        refresh: 300 * SECOND,
        retry: 10 * SECOND,
        stale: 3600 * SECOND,
    };
    let readiness = Readiness::new(SECOND);
    let audit = Arc::default();
    Arc::new(FetchedKeys::new(
        &options,
        Metrics::default(),
        readiness,
        audit,
    ))
}

fn set(kids: &[&str]) -> FetchedSet {
    let keys: Vec<_> = kids
        .iter()
        .map(|kid| {
            let Some(FreshKey::Ed25519 { x, .. }) = fresh_key(Algorithm::EdDsa) else {
                panic!("it is an Ed25519 key");
            };
            json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64URL_NOPAD.encode(&x), "kid": kid})
        })
        .collect();
    FetchedSet::parse(&json!({ "keys": keys }).to_string()).expect("keys")
}

/// Does what `run` does around a fetch.
fn begin(keys: &FetchedKeys) {
    keys.lock().schedule.begin(Instant::now());
}

fn end(keys: &FetchedKeys, fetched: Result<FetchedSet, FetchError>) -> bool {
    let has_withdrawn = keys.take(fetched);
    keys.ended.send_modify(|ended| *ended += 1);
    has_withdrawn
}

#[tokio::test(start_paused = true)]
async fn keys_hold_from_the_first_success_until_they_are_stale() {
    let keys = keys();
    assert!(keys.known().is_none());
    begin(&keys);
    end(&keys, Err(FetchError::Slow));
    assert!(keys.known().is_none() && keys.readiness.check(Instant::now()).is_err());
    begin(&keys);
    assert!(
        !end(&keys, Ok(set(&["a", "b"]))),
        "there was no key to withdraw"
    );
    assert_eq!(keys.known().map(|keys| keys.len()), Some(2));
    tokio::time::advance(3599 * SECOND).await;
    begin(&keys);
    end(&keys, Err(FetchError::Slow));
    assert!(keys.known().is_some());
    tokio::time::advance(SECOND).await;
    assert!(keys.known().is_none());
    begin(&keys);
    assert!(end(&keys, Ok(set(&["a"]))), "other keys came");
    assert!(keys.known().is_some());
}

#[tokio::test(start_paused = true)]
async fn callers_wait_for_a_fetch_up_to_their_limits() {
    let keys = keys();
    begin(&keys);
    let waited = Arc::new(AtomicUsize::new(0));
    let wait = || {
        let (keys, waited) = (Arc::clone(&keys), Arc::clone(&waited));
        tokio::spawn(async move {
            let begun = Instant::now();
            keys.await_fetch().await;
            if begun.elapsed() >= SECOND {
                waited.fetch_add(1, Ordering::Relaxed);
            }
            begun.elapsed()
        })
    };
    let callers: Vec<_> = (0..WAITERS_MAX + 100).map(|_| wait()).collect();
    for caller in callers {
        assert!(caller.await.expect("it returns") <= WAIT_LIMIT + SECOND / 10);
    }
    assert_eq!(waited.load(Ordering::Relaxed), WAITERS_MAX);
    let caller = wait();
    tokio::time::sleep(SECOND / 2).await;
    end(&keys, Ok(set(&["a"])));
    assert!(
        caller.await.expect("it returns") < SECOND,
        "the fetch has ended"
    );
    let begun = Instant::now();
    keys.await_fetch().await;
    tokio::time::advance(6 * SECOND).await;
    keys.await_fetch().await;
    assert_eq!(
        begun.elapsed(),
        6 * SECOND,
        "the last fetch was a moment ago"
    );
    tokio::time::advance(2 * SECOND).await;
    keys.await_fetch().await;
    assert!(begun.elapsed() > 9 * SECOND, "a fetch is asked for");
}

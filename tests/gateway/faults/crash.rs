//! The gateway itself is killed, with the embedded store below it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reqwest::StatusCode;
use tokio::task::JoinSet;

use people_testing::process::{Gateway, person};
use people_testing::wait::eventually;

#[tokio::test]
async fn a_gateway_killed_during_writes_has_every_acknowledged_write_after_its_restart() {
    let mut gateway = Gateway::ready(&[("store.partitions", "4")]).await;
    for life in 0..3 {
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let is_killed = Arc::new(AtomicBool::new(false));
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let post = gateway
                .request("POST", "/people")
                .header("content-type", "application/json");
            let (acknowledged, is_killed) = (Arc::clone(&acknowledged), Arc::clone(&is_killed));
            writers.spawn(async move {
                let mut saved = Vec::new();
                // A writer between two requests would go on at the next gateway, and never end.
                while !is_killed.load(Ordering::SeqCst) {
                    let name = format!("Life {life} writer {writer} save {}", saved.len());
                    let post = post
                        .try_clone()
                        .expect("no stream")
                        .body(person(&name).to_string());
                    // The gateway was killed: a cut answer acknowledges nothing.
                    let Ok(answer) = post.send().await else {
                        return saved;
                    };
                    assert_eq!(answer.status(), StatusCode::CREATED);
                    let location = answer.headers()["location"]
                        .to_str()
                        .expect("ASCII")
                        .to_owned();
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                    saved.push((location, name));
                }
                saved
            });
        }
        let listener = gateway.listen("").await;
        eventually("writers are at work", || async {
            acknowledged.load(Ordering::SeqCst) > 200
        })
        .await;
        gateway.kill9();
        is_killed.store(true, Ordering::SeqCst);
        gateway.restart().await;
        assert_eq!(listener.end().await, people_testing::socket::End::Cut);
        gateway.wait_ready().await;
        for (location, name) in writers.join_all().await.into_iter().flatten() {
            let answer = gateway
                .request("GET", &format!("/{location}"))
                .send()
                .await
                .expect("an answer");
            assert_eq!(
                answer.status(),
                StatusCode::OK,
                "{location} was acknowledged"
            );
            assert!(answer.text().await.expect("a body").contains(&name));
        }
        let mut again = gateway.listen("").await;
        let id = gateway.create(&person("Grace")).await;
        assert!(
            again
                .sentence()
                .await
                .starts_with(&format!("Saved person [{id}]"))
        );
    }
}

//! A write that Redis refuses in part is refused whole: whatever may not be done is found out
//! before the first key is written.

use people_gateway::telemetry::clock::fresh_uuid;
use uuid::Uuid;

use super::store::Store;
use people_testing::wait::eventually;

/// What a write of either kind touches.
const KEYS: [&str; 4] = ["meta", "log", "people", "ids"];
/// Commands of a save and of a delete.
const COMMANDS: [&str; 6] = ["zadd", "zrem", "hset", "hdel", "xadd", "hget"];

#[tokio::test]
async fn a_write_whose_user_may_not_do_all_of_it_does_nothing() {
    let store = Store::start().await;
    let person = fresh_uuid();
    assert_eq!(store.save(person, 1).await.0, 201);
    for command in COMMANDS {
        store
            .run(&["ACL", "SETUSER", "default", &format!("-{command}")])
            .await;
        let refused = writes_are_refused_whole(&store, person, command).await;
        assert!(refused > 0, "{command} is needed");
        store
            .run(&["ACL", "SETUSER", "default", &format!("+{command}")])
            .await;
        goes_on(&store, person).await;
    }
}

#[tokio::test]
async fn a_write_that_meets_a_key_of_another_type_does_nothing() {
    let store = Store::start().await;
    let person = fresh_uuid();
    assert_eq!(store.save(person, 1).await.0, 201);
    for key in KEYS {
        let (name, aside) = (Store::key(person, key), Store::key(person, "aside"));
        store.run(&["RENAME", &name, &aside]).await;
        store.run(&["SET", &name, "in the way"]).await;
        let refused = writes_are_refused_whole(&store, person, key).await;
        assert!(refused > 0, "{key} is needed");
        store.run(&["RENAME", &aside, &name]).await;
        goes_on(&store, person).await;
    }
}

/// Saves and deletes; how many of them were refused. None of these changed anything.
async fn writes_are_refused_whole(store: &Store, person: Uuid, what: &str) -> usize {
    let mut refused = 0;
    for is_save in [true, false] {
        let before = everything(store, person).await;
        let status = if is_save {
            store.save(person, 2).await.0
        } else {
            store.gateway.delete(&person.to_string()).await
        };
        if status >= 500 {
            refused += 1;
            assert_eq!(
                everything(store, person).await,
                before,
                "{what}: a refused write changed something"
            );
        }
    }
    refused
}

/// All that is stored beside one person, key by key.
async fn everything(store: &Store, person: Uuid) -> Vec<Option<Vec<u8>>> {
    let mut all = Vec::new();
    for key in KEYS {
        all.push(
            store
                .redis
                .command(&["DUMP", &Store::key(person, key)])
                .await,
        );
    }
    all
}

/// Both kinds of write get through, and nothing is wrong with the store.
async fn goes_on(store: &Store, person: Uuid) {
    eventually("a save gets through", || async {
        matches!(store.save(person, 3).await.0, 200 | 201)
    })
    .await;
    assert_eq!(store.gateway.delete(&person.to_string()).await, 204);
    assert_eq!(store.save(person, 4).await.0, 201);
    let check = store.check(&[]).await;
    let told = String::from_utf8_lossy(&check.stdout).into_owned();
    assert_eq!(check.status.code(), Some(0), "{told}");
}

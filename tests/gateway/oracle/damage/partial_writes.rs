//! A write that Redis would refuse in part is refused as a whole, before its first key is written.

use people_gateway::telemetry::clock::fresh_uuid;
use uuid::Uuid;

use super::store::Store;
use people_testing::wait::eventually;

/// Keys that a save or a delete touches.
const KEYS: [&str; 4] = ["meta", "log", "people", "ids"];
/// Commands of a save and of a delete.
const COMMANDS: [&str; 6] = ["zadd", "zrem", "hset", "hdel", "xadd", "hget"];

#[tokio::test]
async fn a_write_whose_user_lacks_a_permission_changes_nothing() {
    let store = Store::start().await;
    let person = fresh_uuid();
    assert_eq!(store.save(person, 1).await.0, 201);
    for command in COMMANDS {
        store
            .run(&["ACL", "SETUSER", "default", &format!("-{command}")])
            .await;
        let refused = count_refused_writes(&store, person, command).await;
        assert!(refused > 0, "a write needs {command}");
        store
            .run(&["ACL", "SETUSER", "default", &format!("+{command}")])
            .await;
        assert_writes_succeed(&store, person).await;
    }
}

#[tokio::test]
async fn a_write_that_meets_a_key_of_another_type_changes_nothing() {
    let store = Store::start().await;
    let person = fresh_uuid();
    assert_eq!(store.save(person, 1).await.0, 201);
    for key in KEYS {
        let (name, backup) = (Store::key(person, key), Store::key(person, "aside"));
        store.run(&["RENAME", &name, &backup]).await;
        store.run(&["SET", &name, "in the way"]).await;
        let refused = count_refused_writes(&store, person, key).await;
        assert!(refused > 0, "a write needs {key}");
        store.run(&["RENAME", &backup, &name]).await;
        assert_writes_succeed(&store, person).await;
    }
}

/// Makes a save and a delete. Asserts that a refused one changes nothing, and returns how many were
/// refused.
async fn count_refused_writes(store: &Store, person: Uuid, what: &str) -> usize {
    let mut refused = 0;
    for is_save in [true, false] {
        let before = dump_keys(store, person).await;
        let status = if is_save {
            store.save(person, 2).await.0
        } else {
            store.gateway.delete(&person.to_string()).await
        };
        if status >= 500 {
            refused += 1;
            assert_eq!(
                dump_keys(store, person).await,
                before,
                "{what}: a refused write changed something"
            );
        }
    }
    refused
}

/// The dump of each of [`KEYS`] in the person's partition.
async fn dump_keys(store: &Store, person: Uuid) -> Vec<Option<Vec<u8>>> {
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

/// Asserts that saves and deletes succeed again, and that `check` finds no damage.
async fn assert_writes_succeed(store: &Store, person: Uuid) {
    eventually("a save gets through", || async {
        matches!(store.save(person, 3).await.0, 200 | 201)
    })
    .await;
    assert_eq!(store.gateway.delete(&person.to_string()).await, 204);
    assert_eq!(store.save(person, 4).await.0, 201);
    let check = store.check(&[]).await;
    let output = String::from_utf8_lossy(&check.stdout).into_owned();
    assert_eq!(check.status.code(), Some(0), "{output}");
}

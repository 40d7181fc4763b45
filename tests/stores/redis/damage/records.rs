//! A damaged record affects one person, and the next write of that person repairs it.

use people_gateway::domain::Position;
use people_gateway::store::redis::RedisStore;
use people_gateway::store::{
    Discontinuity, Expectation, LogAnswer, Store, StoreError, WriteOutcome,
};

use super::{PEOPLE, damage_counts, ids, listed_ids, store_with_ten_people};
use crate::redis::people::{ONLY, count, delete, done, fields, id, save};
use people_testing::redis::RedisServer;

/// Ways to damage the record of person 5, which has this revision.
fn damages(revision: &str) -> Vec<(&'static str, Option<Vec<u8>>)> {
    let json = r#"{"firstName":"A","lastName":"L","age":1,"job":""}"#;
    let record = |json: &str| Some(format!("{revision} 1 2 {json}").into_bytes());
    let with = |from: &str, to: &str| record(&json.replace(from, to));
    vec![
        ("no record", None),
        ("garbage", Some(b"garbage".to_vec())),
        ("nothing", Some(Vec::new())),
        ("not UTF-8", Some(b"\xff\xfe 1 2 {}".to_vec())),
        (
            "another revision",
            Some(format!("0x.y.z 1 2 {json}").into_bytes()),
        ),
        (
            "a revision with zeros before it",
            Some(format!("00a.1.1 1 2 {json}").into_bytes()),
        ),
        ("no times", Some(format!("{revision} {json}").into_bytes())),
        ("no JSON", record("Ada")),
        ("half of the JSON", record(&json[..30])),
        ("another object", record("{\"x\":1}")),
        ("an age that is a text", with("1", "\"1\"")),
        ("an age above the limit", with("1", "151")),
        ("no first name", with("\"A\"", "\"\"")),
        (
            "a name that is too long",
            with("\"A\"", &format!("\"{}\"", "a".repeat(201))),
        ),
        (
            "attributes that are not an object",
            with("\"job\":\"\"", "\"job\":\"\",\"attributes\":[1]"),
        ),
        (
            "attributes that are not JSON",
            with("\"job\":\"\"", "\"job\":\"\",\"attributes\":{nonsense}"),
        ),
    ]
}

/// Replaces a person's record with this one, or removes it.
async fn damage(server: &RedisServer, person: &str, record: Option<&[u8]>) {
    let Some(bytes) = record else {
        return server.command::<()>(&["HDEL", PEOPLE, person]).await;
    };
    let mut connection = server.connect().await.expect("a connection");
    let set = ::redis::cmd("HSET")
        .arg(PEOPLE)
        .arg(person)
        .arg(bytes)
        .exec_async(&mut connection)
        .await;
    set.expect("it is set");
}

/// Whether the log cannot continue from this position, so that views are reset.
async fn log_is_broken(store: &RedisStore, from: Position) -> bool {
    let since = store.since(ONLY, from, count(10)).await;
    matches!(
        since.expect("an answer"),
        LogAnswer::Broken {
            reason: Discontinuity::Epoch | Discontinuity::Trimmed,
            ..
        }
    )
}

#[tokio::test]
async fn a_damaged_record_affects_one_person_until_a_write_repairs_it() {
    let server = RedisServer::start(&[]).await;
    let (store, metrics) = store_with_ten_people(&server).await;
    let all_people = listed_ids(&store, 3).await;
    assert_eq!(all_people, ids(1..=10));
    let five = id(5).to_string();
    let revision = store
        .get(id(5))
        .await
        .expect("an answer")
        .expect("a person")
        .revision
        .to_string();
    for deletes in [false, true] {
        for (name, record) in damages(&revision) {
            damage(&server, &five, record.as_deref()).await;
            for size in [1, 4, 100] {
                assert_eq!(
                    listed_ids(&store, size).await,
                    ids((1..=10).filter(|n| *n != 5)),
                    "{name}"
                );
            }
            assert_eq!(
                damage_counts(&metrics)[0],
                1,
                "{name}: a page read counts the damage"
            );
            let got = store.get(id(5)).await;
            assert!(
                matches!(&got, Err(StoreError::Damaged { id: of, .. }) if *of == id(5)),
                "{name}: {got:?}"
            );
            assert!(metrics.store_damage.to_string().contains(&five), "{name}");
            store.heads().await.expect("heads");
            assert_eq!(
                damage_counts(&metrics)[0],
                1,
                "{name}: the damage remains counted"
            );
            let before = store.heads().await.expect("heads")[0];

            let write = if deletes {
                delete(5)
            } else {
                save(5, "B").expecting(Expectation::Present)
            };
            let at = done(&store, write).await;
            store.heads().await.expect("heads");
            assert_eq!(damage_counts(&metrics), [0, 0, 0], "{name}: repaired");
            assert!(log_is_broken(&store, before).await, "{name}");
            let head = store.heads().await.expect("heads")[0];
            assert_eq!(at, head);
            if deletes {
                assert_eq!(store.get(id(5)).await.expect("an answer"), None, "{name}");
                assert_eq!(
                    listed_ids(&store, 4).await,
                    ids((1..=10).filter(|n| *n != 5)),
                    "{name}"
                );
                done(&store, save(5, "A")).await;
            }
            assert_eq!(listed_ids(&store, 4).await, all_people, "{name}");
        }
    }
}

#[tokio::test]
async fn an_expectation_about_a_damaged_record_has_a_clear_answer() {
    let server = RedisServer::start(&[]).await;
    let (store, _) = store_with_ten_people(&server).await;
    let five = id(5).to_string();
    let revision = store
        .get(id(5))
        .await
        .expect("an answer")
        .expect("a person")
        .revision;
    let expecting = |expect| save(5, "B").expecting(expect);
    server
        .command::<()>(&["HSET", PEOPLE, &five, "garbage"])
        .await;
    for expect in [
        Expectation::Absent,
        Expectation::Revision(revision),
        Expectation::Impossible,
    ] {
        let refused = store.apply(expecting(expect)).await;
        assert!(
            matches!(refused, Err(StoreError::Damaged { .. })),
            "{expect:?}: {refused:?}"
        );
    }
    server
        .command::<()>(&["HSET", PEOPLE, &five, &format!("{revision} 1 2 garbage")])
        .await;
    let conflict = store
        .apply(expecting(Expectation::Absent))
        .await
        .expect("an outcome");
    assert_eq!(
        conflict,
        WriteOutcome::Conflict {
            current: Some(revision)
        },
        "the revision of the damaged record can be read"
    );
    done(&store, expecting(Expectation::Revision(revision))).await;
    assert_eq!(
        store
            .get(id(5))
            .await
            .expect("an answer")
            .map(|person| person.fields),
        Some(fields("B"))
    );
}

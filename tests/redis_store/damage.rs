//! What an operator's hand, or an older program, left in Redis: one damaged record concerns one person, and is mended.

use std::sync::Arc;

use people_gateway::domain::{PersonId, Position};
use people_gateway::store::redis::RedisStore;
use people_gateway::store::{Applied, Break, Expect, PageLimits, Since, Store, StoreError, Write};
use people_gateway::telemetry::{DamageLabel, Metrics};

use crate::people::{ONLY, count, delete, done, fields, id, keyed, options, save};
use crate::support::redis::RedisServer;

pub(crate) const META: &str = "{people.p0}:meta";
pub(crate) const LOG: &str = "{people.p0}:log";
pub(crate) const PEOPLE: &str = "{people.p0}:people";
pub(crate) const IDS: &str = "{people.p0}:ids";

/// A store with ten people, and what it counted.
pub(crate) async fn peopled(server: &RedisServer) -> (Arc<RedisStore>, Metrics) {
    let metrics = Metrics::default();
    let store = RedisStore::open(options(server), metrics.clone()).await.expect("the store opens");
    for n in 1..=10 {
        done(&store, save(n, "A")).await;
    }
    (store, metrics)
}

/// Everyone, in pages of this size.
pub(crate) async fn listed(store: &RedisStore, size: usize) -> Vec<PersonId> {
    let (mut people, mut after) = (Vec::new(), None);
    for _ in 0..2_000 {
        let page = store.page(ONLY, after, PageLimits::people(count(size))).await.expect("a page");
        people.extend(page.people.iter().map(|person| person.id));
        match page.next {
            None => return people,
            next => after = next,
        }
    }
    panic!("the pages never end");
}

pub(crate) fn ids(numbers: impl IntoIterator<Item = u128>) -> Vec<PersonId> {
    numbers.into_iter().map(id).collect()
}

pub(crate) fn damaged(metrics: &Metrics) -> [usize; 3] {
    [DamageLabel::Record, DamageLabel::Ids, DamageLabel::Log].map(|kind| metrics.store_damage.count(kind))
}

/// Ways to damage the record of person 5, which stands at this revision.
fn damages(revision: &str) -> Vec<(&'static str, Option<Vec<u8>>)> {
    let json = r#"{"firstName":"A","lastName":"L","age":1,"job":""}"#;
    let record = |json: &str| Some(format!("{revision} 1 2 {json}").into_bytes());
    let with = |from: &str, to: &str| record(&json.replace(from, to));
    vec![
        ("no record", None),
        ("garbage", Some(b"garbage".to_vec())),
        ("nothing", Some(Vec::new())),
        ("not UTF-8", Some(b"\xff\xfe 1 2 {}".to_vec())),
        ("another revision", Some(format!("0x.y.z 1 2 {json}").into_bytes())),
        ("a revision with zeros before it", Some(format!("00a.1.1 1 2 {json}").into_bytes())),
        ("no times", Some(format!("{revision} {json}").into_bytes())),
        ("no JSON", record("Ada")),
        ("half of the JSON", record(&json[..30])),
        ("another object", record("{\"x\":1}")),
        ("an age that is a text", with("1", "\"1\"")),
        ("an age that nobody has", with("1", "151")),
        ("no first name", with("\"A\"", "\"\"")),
        ("a name that is too long", with("\"A\"", &format!("\"{}\"", "a".repeat(201)))),
        ("attributes that are no object", with("\"job\":\"\"", "\"job\":\"\",\"attributes\":[1]")),
        ("attributes that are no JSON", with("\"job\":\"\"", "\"job\":\"\",\"attributes\":{nonsense}")),
    ]
}

#[tokio::test]
async fn one_damaged_record_concerns_one_person_until_a_write_mends_it() {
    let server = RedisServer::start(&[]).await;
    let (store, metrics) = peopled(&server).await;
    let everyone = listed(&store, 3).await;
    assert_eq!(everyone, ids(1..=10));
    let five = id(5).to_string();
    let revision = store.get(id(5)).await.expect("an answer").expect("a person").revision.to_string();
    let mut connection = server.connect().await.expect("a connection");
    for deletes in [false, true] {
        for (name, record) in damages(&revision) {
            match &record {
                None => server.command::<()>(&["HDEL", PEOPLE, &five]).await,
                Some(bytes) => {
                    let set = ::redis::cmd("HSET").arg(PEOPLE).arg(&five).arg(bytes).exec_async(&mut connection).await;
                    set.expect("it is set");
                }
            }
            for size in [1, 4, 100] {
                assert_eq!(listed(&store, size).await, ids((1..=10).filter(|n| *n != 5)), "{name}");
            }
            assert_eq!(damaged(&metrics)[0], 1, "{name}: pages tell");
            let got = store.get(id(5)).await;
            assert!(matches!(&got, Err(StoreError::Damaged { id: of, .. }) if *of == id(5)), "{name}: {got:?}");
            assert!(metrics.store_damage.to_string().contains(&five), "{name}");
            store.probe().await.expect("heads");
            assert_eq!(damaged(&metrics)[0], 1, "{name}: still known");
            let before = store.probe().await.expect("heads")[0];

            let write = if deletes { delete(5) } else { Write { expect: Expect::Present, ..save(5, "B") } };
            let at = done(&store, write).await;
            store.probe().await.expect("heads");
            assert_eq!(damaged(&metrics), [0, 0, 0], "{name}: mended");
            let since = store.since(ONLY, before, count(10)).await.expect("an answer");
            let is_told = matches!(since, Since::Broken { reason: Break::Epoch | Break::Trimmed, .. });
            assert!(is_told, "{name}: views begin anew, {since:?}");
            let head = store.probe().await.expect("heads")[0];
            assert_eq!(at, head);
            if deletes {
                assert_eq!(store.get(id(5)).await.expect("an answer"), None, "{name}");
                assert_eq!(listed(&store, 4).await, ids((1..=10).filter(|n| *n != 5)), "{name}");
                done(&store, save(5, "A")).await;
            }
            assert_eq!(listed(&store, 4).await, everyone, "{name}");
        }
    }
}

#[tokio::test]
async fn what_a_damaged_record_is_compared_with_gets_a_clear_answer() {
    let server = RedisServer::start(&[]).await;
    let (store, _) = peopled(&server).await;
    let five = id(5).to_string();
    let revision = store.get(id(5)).await.expect("an answer").expect("a person").revision;
    let expecting = |expect| Write { expect, ..save(5, "B") };
    server.command::<()>(&["HSET", PEOPLE, &five, "garbage"]).await;
    for expect in [Expect::Absent, Expect::Revision(revision), Expect::Impossible] {
        let refused = store.apply(expecting(expect)).await;
        assert!(matches!(refused, Err(StoreError::Damaged { .. })), "{expect:?}: {refused:?}");
    }
    server.command::<()>(&["HSET", PEOPLE, &five, &format!("{revision} 1 2 garbage")]).await;
    let conflict = store.apply(expecting(Expect::Absent)).await.expect("an outcome");
    assert_eq!(conflict, Applied::Conflict { current: Some(revision) }, "its revision can be read");
    done(&store, expecting(Expect::Revision(revision))).await;
    assert_eq!(store.get(id(5)).await.expect("an answer").map(|person| person.fields), Some(fields("B")));
}

#[tokio::test]
async fn members_that_are_no_ids_hide_nobody() {
    let server = RedisServer::start(&[]).await;
    let (store, metrics) = peopled(&server).await;
    let mut foreign: Vec<String> = (0..600).map(|n| format!("00000000-0000-0000-0000-000000000005-{n}")).collect();
    foreign.extend((0..50).map(|n| format!("{n:08X}-0000-0000-0000-00000000000A")));
    foreign.extend(["", "!", "zzz", "0190F3E2-7C1B-7D9A-8F00-1234567890AB", "\n"].map(str::to_owned));
    for member in &foreign {
        server.command::<()>(&["ZADD", IDS, "0", member]).await;
    }
    for size in [1, 3, 100, 10_000] {
        assert_eq!(listed(&store, size).await, ids(1..=10), "pages of {size}");
        let first = ids(1..=10.min(size as u128));
        assert_eq!(store.ids(ONLY, None, count(size)).await.expect("ids"), first, "{size} ids");
    }
    assert_eq!(damaged(&metrics)[1], 1);
    // A score of its own breaks the order of all: pages would end early.
    server.command::<()>(&["ZADD", IDS, "7", "00000000-0000-0000-0000-000000000000x"]).await;
    server.command::<()>(&["ZADD", IDS, "-7", &id(3).to_string()]).await;
    for size in [1, 3, 100] {
        assert_eq!(listed(&store, size).await, ids(1..=10), "pages of {size} with uneven scores");
    }
}

#[tokio::test]
async fn who_vanished_from_the_list_is_noticed_and_listed_again_by_a_save() {
    let server = RedisServer::start(&[]).await;
    let (store, metrics) = peopled(&server).await;
    server.command::<()>(&["ZREM", IDS, &id(5).to_string()]).await;
    store.probe().await.expect("heads");
    assert_eq!(damaged(&metrics), [0, 1, 0]);
    let before = store.probe().await.expect("heads")[0];
    done(&store, save(5, "B")).await;
    store.probe().await.expect("heads");
    assert_eq!(damaged(&metrics), [0, 0, 0]);
    assert_eq!(listed(&store, 3).await, ids(1..=10));
    assert!(matches!(store.since(ONLY, before, count(9)).await, Ok(Since::Broken { reason: Break::Epoch, .. })));
}

/// All that the keys of the partition hold.
async fn everything(server: &RedisServer) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for command in [["HGETALL", META], ["HGETALL", PEOPLE], ["GET", META], ["TYPE", LOG], ["TYPE", IDS]] {
        all.push(format!("{:?}", server.attempt::<::redis::Value>(&command).await));
    }
    all.push(format!("{:?}", server.attempt::<::redis::Value>(&["XRANGE", LOG, "-", "+"]).await));
    all.push(format!("{:?}", server.attempt::<::redis::Value>(&["ZRANGE", IDS, "0", "-1"]).await));
    all
}

#[tokio::test]
async fn a_write_that_is_refused_has_written_nothing() {
    let server = RedisServer::start(&[]).await;
    server.command::<()>(&["ACL", "SETUSER", "ada", "on", ">pw", "~*", "&*", "+@all"]).await;
    let url = format!("redis://ada:pw@127.0.0.1:{}", server.port());
    let metrics = Metrics::default();
    let with_url = people_gateway::store::redis::Options { url, ..options(&server) };
    let store = RedisStore::open(with_url, metrics).await.expect("the store opens");
    for n in 1..=3 {
        done(&store, save(n, "A")).await;
    }
    // A key that was used would only be replayed.
    let writes = |key: u8| [save(9, "B"), save(1, "B"), keyed(save(8, "B"), key), delete(2), keyed(delete(2), key + 1)];
    let commands = ["xadd", "hset", "zadd", "hdel", "zrem", "pexpire", "del", "hget", "xrange", "hmget"];
    for (key, refused) in (10..).step_by(2).zip(commands) {
        let before = everything(&server).await;
        server.command::<()>(&["ACL", "SETUSER", "ada", &format!("-{refused}")]).await;
        let mut refusals = 0;
        for write in writes(key) {
            match store.apply(write.clone()).await {
                Err(StoreError::Corrupt(why)) => {
                    assert!(
                        why.contains("NoPerm") || why.contains("may not run") || why.contains("can't run this command"),
                        "{refused}: {why}"
                    );
                    refusals += 1;
                }
                Ok(_) => {
                    // It does without. Put back what it did, to look at the others.
                    assert!(!matches!(refused, "xadd" | "hget" | "xrange" | "hmget" | "del"), "{refused}");
                }
                Err(other) => panic!("{refused}: {other}"),
            }
        }
        server.command::<()>(&["ACL", "SETUSER", "ada", "+@all"]).await;
        assert!(refusals > 0, "{refused}");
        if refusals == writes(key).len() {
            assert_eq!(everything(&server).await, before, "{refused}");
        }
        store.probe().await.expect("heads");
        assert_eq!(assert_in_step(&store).await, 0, "nothing is torn without {refused}");
        for n in [1, 2, 3] {
            done(&store, save(n, "A")).await;
        }
    }
    for (key, name) in [(LOG, "log"), (META, "meta"), (PEOPLE, "people"), (IDS, "ids")] {
        server.command::<()>(&["RENAME", key, "aside"]).await;
        server.command::<()>(&["SET", key, "x"]).await;
        let before = everything(&server).await;
        for write in writes(40) {
            let refused = store.apply(write).await;
            assert!(
                matches!(&refused, Err(StoreError::Corrupt(why)) if why.contains("WRONGTYPE")),
                "{name}: {refused:?}"
            );
        }
        assert_eq!(everything(&server).await, before, "{name}");
        server.command::<()>(&["DEL", key]).await;
        server.command::<()>(&["RENAME", "aside", key]).await;
        assert_eq!(assert_in_step(&store).await, 0, "{name}");
    }
    server.command::<()>(&["SET", &format!("{{people.p0}}:idem:{}", "07".repeat(32)), "x"]).await;
    let before = everything(&server).await;
    assert!(matches!(store.apply(keyed(save(1, "C"), 7)).await, Err(StoreError::Corrupt(_))));
    assert_eq!(everything(&server).await, before);
}

/// How many faults a look at everything finds.
pub(crate) async fn assert_in_step(store: &RedisStore) -> u64 {
    let mut faults = Vec::new();
    let tally = store.audit(None, &mut |fault| faults.push(fault.to_string())).await.expect("it can be read");
    assert_eq!(tally.faults, 0, "{faults:?}");
    tally.faults
}

#[tokio::test]
async fn a_head_or_a_log_that_cannot_be_continued_begins_anew() {
    let server = RedisServer::start(&[]).await;
    let (store, _) = peopled(&server).await;
    for (name, value) in [
        ("s", "x"),
        ("s", "1e3"),
        ("s", "007"),
        ("s", "-5"),
        ("s", "9007199254740993"),
        ("e", "Z"),
        ("t", "0f"),
        ("e", ""),
    ] {
        server.command::<()>(&["HSET", META, name, value]).await;
        let first = done(&store, save(1, "B")).await;
        assert_eq!(first.seq.get(), 1, "{name}={value}");
        server.command::<()>(&["HSET", META, name, value]).await;
        let head = store.probe().await.expect("heads")[0];
        assert_ne!(head.epoch, first.epoch, "the probe gives it a beginning, {name}={value}");
        assert_eq!(done(&store, save(2, "B")).await.seq.get(), 1);
    }
    server.command::<()>(&["HDEL", META, "t"]).await;
    assert_eq!(done(&store, save(1, "C")).await.seq.get(), 1);
    // The last number that can be counted exactly.
    server.command::<()>(&["HSET", META, "s", "9007199254740992"]).await;
    assert_eq!(done(&store, save(1, "C")).await.seq.get(), 1);
    // The stream remembers a number whose entry is gone.
    server.command::<()>(&["XADD", LOG, "1000-0", "x", "y"]).await;
    server.command::<()>(&["XDEL", LOG, "1000-0"]).await;
    let before = store.probe().await.expect("heads")[0];
    let after = done(&store, save(1, "D")).await;
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(listed(&store, 100).await, ids(1..=10));
    assert_in_step(&store).await;
    done(&store, save(1, "E")).await;
    assert_in_step(&store).await;
}

/// The entry's place, and what stands after `from`.
pub(crate) async fn told(store: &RedisStore, from: Position) -> Result<Vec<u64>, Break> {
    match store.since(ONLY, from, count(100)).await.expect("an answer") {
        Since::Continues { changes, .. } => Ok(changes.iter().map(|change| change.at.position.seq.get()).collect()),
        Since::Broken { reason, .. } => Err(reason),
    }
}

#[tokio::test]
async fn a_damaged_log_entry_ends_what_can_be_continued_across_it_and_nothing_else() {
    let server = RedisServer::start(&[]).await;
    let metrics = Metrics::default();
    let small = people_gateway::store::Retention { log_max: count(20), ..options(&server).retention };
    let opened = people_gateway::store::redis::Options { retention: small, ..options(&server) };
    let store = RedisStore::open(opened, metrics.clone()).await.expect("the store opens");
    let mut places = Vec::new();
    for n in 1..=10 {
        places.push(done(&store, save(n, "A")).await);
    }
    server.command::<()>(&["XDEL", LOG, "5-0"]).await;
    assert_eq!(told(&store, places[1]).await, Ok(vec![3, 4]));
    assert_eq!(told(&store, places[3]).await, Err(Break::Trimmed));
    assert_eq!(told(&store, places[4]).await, Ok(vec![6, 7, 8, 9, 10]));
    let tail = store.tail(ONLY, count(100)).await.expect("a tail");
    assert_eq!(tail.changes.first().map(|change| change.at.position), Some(places[5]));
    assert_eq!(damaged(&metrics)[2], 1);
    store.probe().await.expect("heads");
    assert_eq!(damaged(&metrics)[2], 1, "it is there still");
    for n in 1..=30 {
        done(&store, save(n, "B")).await;
    }
    store.probe().await.expect("heads");
    assert_eq!(damaged(&metrics)[2], 0, "the log was trimmed behind it");
}

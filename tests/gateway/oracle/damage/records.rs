//! One record, or the list of ids, is damaged: everybody else is served, operators are told, and a
//! save, a delete or `check --repair` mends it, with every view right afterwards.

use people_client::StartPoint;
use people_gateway::filter::Kinds;
use people_gateway::telemetry::clock::fresh_uuid;
use uuid::Uuid;

use super::store::{PARTITIONS, Store};
use crate::oracle::follower::{Asks, Follower};
use crate::oracle::{last_of_each, truth};

/// What a hand or a disk may do to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// The id is listed, and there is no record.
    NoRecord,
    Garbage,
    NotText,
    /// A person's record, of whom a value is none.
    WrongAge,
    /// The record is there, and the id is not listed.
    Unlisted,
    /// The whole list is gone.
    NoList,
    /// Something is listed that is no id.
    ForeignId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    Save,
    Delete,
    Repair,
}

const DAMAGES: [Damage; 7] = [
    Damage::NoRecord,
    Damage::Garbage,
    Damage::NotText,
    Damage::WrongAge,
    Damage::Unlisted,
    Damage::NoList,
    Damage::ForeignId,
];

#[tokio::test]
async fn one_damaged_record_costs_one_person_and_is_mended_by_a_save_a_delete_or_a_repair() {
    let store = Store::start().await;
    let mut people: Vec<Uuid> = (0..12)
        .map(|n| Uuid::from_u128((0x0190_f3e2_7c1b_7d9a_8f00 << 48) | n))
        .collect();
    for (age, id) in people.iter().enumerate() {
        assert_eq!(store.save(*id, age).await.0, 201);
    }
    for damage in DAMAGES {
        for remedy in [Remedy::Save, Remedy::Delete, Remedy::Repair] {
            let victim = people[5];
            let is_no_person = matches!(damage, Damage::NoList | Damage::ForeignId);
            if is_no_person && remedy != Remedy::Repair {
                continue;
            }
            eprintln!("{damage:?}, {remedy:?}");
            let early = follow(&store);
            damage.strikes(&store, victim).await;
            others_are_served(&store, damage, victim, &people).await;
            mend(&store, damage, remedy, victim).await;

            // All others are saved, and with them somebody in every partition, so that it is known
            // when a client has seen all.
            let mut places = Vec::new();
            for id in people.iter().filter(|id| **id != victim) {
                let (status, place) = store.save(*id, 33).await;
                assert_eq!(status, 200);
                places.extend(place);
            }
            assert_eq!(
                last_of_each(&places).len(),
                usize::from(PARTITIONS),
                "{places:?}"
            );
            let everyone = truth::list(&store.gateway, "").await;
            if is_no_person {
                assert_eq!(everyone.len(), people.len(), "{damage:?} costs nobody");
            }
            let seen = early.finish(&last_of_each(&places)).await;
            assert!(
                seen.contradictions.is_empty(),
                "{damage:?}, {remedy:?}: {:?}",
                seen.contradictions
            );
            truth::judge(
                "who was there before the damage",
                &seen,
                &store.gateway,
                &everyone,
            )
            .await;
            // A person who is gone for good is another one from now on.
            if !everyone.keys().any(|id| id.uuid() == victim) {
                people[5] = fresh_uuid();
                assert_eq!(store.save(people[5], 5).await.0, 201);
            }
        }
    }
}

impl Damage {
    async fn strikes(self, store: &Store, victim: Uuid) {
        let (people, ids, id) = (
            Store::key(victim, "people"),
            Store::key(victim, "ids"),
            victim.to_string(),
        );
        let sound: String = store.redis.command(&["HGET", &people, &id]).await;
        match self {
            Self::NoRecord => store.run(&["HDEL", &people, &id]).await,
            Self::Garbage => store.run(&["HSET", &people, &id, "garbage"]).await,
            Self::NotText => {
                let mut connection = store.redis.connect().await.expect("a connection");
                let mut command = redis::cmd("HSET");
                command.arg(&people).arg(&id).arg(&b"\xff\xfe\x00"[..]);
                command.exec_async(&mut connection).await.expect("done");
            }
            Self::WrongAge => {
                let age = sound.find("\"age\":").expect("it has an age");
                let wrong = format!(
                    "{}\"age\":900{}",
                    &sound[..age],
                    &sound[age + 7..].trim_start_matches(char::is_numeric)
                );
                store.run(&["HSET", &people, &id, &wrong]).await;
            }
            Self::Unlisted => store.run(&["ZREM", &ids, &id]).await,
            Self::NoList => store.run(&["DEL", &ids]).await,
            Self::ForeignId => store.run(&["ZADD", &ids, "0", "5-not-an-id"]).await,
        }
    }

    /// Whether one person cannot be read.
    fn is_of_a_record(self) -> bool {
        matches!(
            self,
            Self::NoRecord | Self::Garbage | Self::NotText | Self::WrongAge
        )
    }
}

fn follow(store: &Store) -> Follower {
    let asks = Asks {
        kinds: Kinds::All,
        condition: String::new(),
        from: StartPoint::Snapshot,
    };
    Follower::start(vec![store.gateway.address], 0, asks)
}

/// Lists and snapshots go on without the one person, and operators are told.
async fn others_are_served(store: &Store, damage: Damage, victim: Uuid, people: &[Uuid]) {
    let listed = truth::list(&store.gateway, "").await;
    if damage != Damage::NoList {
        let missing: Vec<_> = people
            .iter()
            .filter(|id| !listed.keys().any(|other| other.uuid() == **id))
            .collect();
        let expected = if damage == Damage::ForeignId {
            vec![]
        } else {
            vec![&victim]
        };
        assert_eq!(missing, expected, "{damage:?}");
    }
    assert_eq!(
        store.get(victim).await,
        if damage.is_of_a_record() { 500 } else { 200 },
        "{damage:?}"
    );
    let mut late = follow(store);
    late.until("a snapshot is shown in spite of the damage", |progress| {
        progress.lives > 0
    })
    .await;
    store.alarms().await;
    let check = store.check(&[]).await;
    assert_eq!(
        check.status.code(),
        Some(1),
        "{damage:?}: {}",
        String::from_utf8_lossy(&check.stdout)
    );
    if damage.is_of_a_record() || damage == Damage::Unlisted {
        let told = String::from_utf8_lossy(&check.stdout).into_owned();
        assert!(
            told.contains(&victim.to_string()),
            "{damage:?} is named: {told}"
        );
    }
}

async fn mend(store: &Store, damage: Damage, remedy: Remedy, victim: Uuid) {
    match remedy {
        Remedy::Save => assert_eq!(store.save(victim, 77).await.0, 200, "{damage:?}"),
        Remedy::Delete => assert_eq!(
            store.gateway.delete(&victim.to_string()).await,
            204,
            "{damage:?}"
        ),
        Remedy::Repair => {
            let repair = store.check(&["--repair"]).await;
            let told = String::from_utf8_lossy(&repair.stdout).into_owned();
            assert_eq!(repair.status.code(), Some(0), "{damage:?}: {told}");
        }
    }
    assert_eq!(
        store.get(victim).await,
        if remedy == Remedy::Delete { 404 } else { 200 },
        "{damage:?}, {remedy:?}"
    );
    store.is_sound().await;
    let check = store.check(&[]).await;
    let told = String::from_utf8_lossy(&check.stdout).into_owned();
    assert_eq!(
        check.status.code(),
        Some(0),
        "{damage:?}, {remedy:?}: {told}"
    );
}

//! A damaged record or list of ids: all other people are served, operators are alerted, and a save,
//! a delete or `check --repair` removes the damage. Every view is exact afterwards.

use people_client::StartPoint;
use people_gateway::filter::Kinds;
use people_gateway::telemetry::clock::fresh_uuid;
use people_testing::people::list;
use uuid::Uuid;

use super::store::{PARTITIONS, Store};
use crate::oracle::follower::{Follower, Subscription};
use crate::oracle::{last_of_each_partition, truth};

/// Damage that an operator or a disk may do to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// The id is listed, and there is no record.
    NoRecord,
    Garbage,
    NotText,
    /// A person's record with an age that is out of range.
    WrongAge,
    /// The record is there, and the id is not listed.
    Unlisted,
    /// The whole list of ids is missing.
    NoList,
    /// The list holds an entry that is not an id.
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
async fn damage_affects_one_person_until_a_save_a_delete_or_a_repair_removes_it() {
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
            let hides_no_person = matches!(damage, Damage::NoList | Damage::ForeignId);
            if hides_no_person && remedy != Remedy::Repair {
                continue;
            }
            eprintln!("{damage:?}, {remedy:?}");
            let early = follow(&store);
            damage.inflict(&store, victim).await;
            assert_others_are_served(&store, damage, victim, &people).await;
            apply_remedy(&store, damage, remedy, victim).await;

            // Saves all others, at least one in every partition: their positions show when a client
            // has received all changes.
            let mut log_positions = Vec::new();
            for id in people.iter().filter(|id| **id != victim) {
                let (status, log_position) = store.save(*id, 33).await;
                assert_eq!(status, 200);
                log_positions.extend(log_position);
            }
            assert_eq!(
                last_of_each_partition(&log_positions).len(),
                usize::from(PARTITIONS),
                "{log_positions:?}"
            );
            let all_people = list(&store.gateway, "").await;
            if hides_no_person {
                assert_eq!(all_people.len(), people.len(), "{damage:?} hides no person");
            }
            let transcript = early.finish(&last_of_each_partition(&log_positions)).await;
            assert!(
                transcript.contradictions.is_empty(),
                "{damage:?}, {remedy:?}: {:?}",
                transcript.contradictions
            );
            truth::assert_exact_view(
                "the client that was live before the damage",
                &transcript,
                &store.gateway,
                &all_people,
            )
            .await;
            // A new person replaces a victim that was lost or deleted.
            if !all_people.keys().any(|id| id.uuid() == victim) {
                people[5] = fresh_uuid();
                assert_eq!(store.save(people[5], 5).await.0, 201);
            }
        }
    }
}

impl Damage {
    async fn inflict(self, store: &Store, victim: Uuid) {
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
                command
                    .exec_async(&mut connection)
                    .await
                    .expect("HSET succeeds");
            }
            Self::WrongAge => {
                let age = sound.find("\"age\":").expect("the record has an age");
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

    /// Whether a person's record becomes unreadable.
    fn hides_person(self) -> bool {
        matches!(
            self,
            Self::NoRecord | Self::Garbage | Self::NotText | Self::WrongAge
        )
    }
}

fn follow(store: &Store) -> Follower {
    let subscription = Subscription {
        kinds: Kinds::All,
        condition: String::new(),
        from: StartPoint::Snapshot,
    };
    Follower::start(vec![store.gateway.address], 0, subscription)
}

/// Asserts that lists and snapshots have all other people, and that operators are alerted.
async fn assert_others_are_served(store: &Store, damage: Damage, victim: Uuid, people: &[Uuid]) {
    let listed = list(&store.gateway, "").await;
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
        if damage.hides_person() { 500 } else { 200 },
        "{damage:?}"
    );
    let mut late = follow(store);
    late.until(
        "a snapshot is complete in spite of the damage",
        |progress| progress.live_count > 0,
    )
    .await;
    store.wait_for_alarms().await;
    let check = store.check(&[]).await;
    assert_eq!(
        check.status.code(),
        Some(1),
        "{damage:?}: {}",
        String::from_utf8_lossy(&check.stdout)
    );
    if damage.hides_person() || damage == Damage::Unlisted {
        let output = String::from_utf8_lossy(&check.stdout).into_owned();
        assert!(
            output.contains(&victim.to_string()),
            "check names the person, {damage:?}: {output}"
        );
    }
}

async fn apply_remedy(store: &Store, damage: Damage, remedy: Remedy, victim: Uuid) {
    match remedy {
        Remedy::Save => assert_eq!(store.save(victim, 77).await.0, 200, "{damage:?}"),
        Remedy::Delete => assert_eq!(
            store.gateway.delete(&victim.to_string()).await,
            204,
            "{damage:?}"
        ),
        Remedy::Repair => {
            let repair = store.check(&["--repair"]).await;
            let output = String::from_utf8_lossy(&repair.stdout).into_owned();
            assert_eq!(repair.status.code(), Some(0), "{damage:?}: {output}");
        }
    }
    assert_eq!(
        store.get(victim).await,
        if remedy == Remedy::Delete { 404 } else { 200 },
        "{damage:?}, {remedy:?}"
    );
    store.wait_until_sound().await;
    let check = store.check(&[]).await;
    let output = String::from_utf8_lossy(&check.stdout).into_owned();
    assert_eq!(
        check.status.code(),
        Some(0),
        "{damage:?}, {remedy:?}: {output}"
    );
}

//! Saves and deletes: their outcomes, their effects, and their refusals.

use super::SETUP;
use crate::backing::{Backing, for_every_store};
use crate::people::{all_people, at_millis, count, delete, done, fields, id, save};
use people_gateway::domain::{Partition, Person, Position};
use people_gateway::store::{Expectation, PageLimits, Store, StoredPerson, Write, WriteOutcome};

for_every_store!(
    a_saved_person_is_read_back_unchanged,
    a_person_keeps_its_time_of_creation_until_it_is_deleted,
    a_deleted_person_is_gone,
    an_expectation_decides_whether_a_write_happens,
    a_refused_write_changes_nothing,
    texts_of_any_kind_are_read_back_unchanged,
    people_are_paged_in_the_order_of_their_ids,
    a_page_has_as_many_people_as_its_bytes_allow_and_at_least_one,
);

async fn a_saved_person_is_read_back_unchanged(backing: &mut impl Backing) {
    let store = backing.store();
    assert_eq!(store.get(id(1)).await.unwrap(), None);
    let applied = store.apply(save(id(1), "Ada")).await.unwrap();
    let WriteOutcome::Done { at, created_at } = applied else {
        panic!("{applied:?}")
    };
    assert_eq!(
        (at.partition, created_at),
        (store.partitions().of(id(1)), at_millis(1_000))
    );
    let person = Person {
        id: id(1),
        fields: fields("Ada"),
        revision: at.position,
        created_at: at_millis(1_000),
        updated_at: at_millis(1_000),
    };
    assert_eq!(store.get(id(1)).await.unwrap(), Some(person.clone()));
    let page = store
        .page(at.partition, None, PageLimits::people(count(10)))
        .await
        .unwrap();
    assert_eq!((page.head, page.people), (at.position, vec![person]));
}

async fn a_person_keeps_its_time_of_creation_until_it_is_deleted(backing: &mut impl Backing) {
    let store = backing.store();
    let born = |time| Write {
        time: at_millis(time),
        ..save(id(1), "A")
    };
    for (time, birth) in [(10, 10), (20, 10), (5, 10)] {
        let applied = store.apply(born(time)).await.unwrap();
        let WriteOutcome::Done { at, created_at } = applied else {
            panic!("{applied:?}")
        };
        let person = store.get(id(1)).await.unwrap().unwrap();
        assert_eq!(
            (created_at, person.created_at),
            (at_millis(birth), at_millis(birth))
        );
        assert_eq!(
            (person.updated_at, person.revision),
            (at_millis(time), at.position)
        );
    }
    let applied = store.apply(delete(id(1))).await.unwrap();
    assert!(
        matches!(applied, WriteOutcome::Done { created_at, .. } if created_at == at_millis(10)),
        "{applied:?}"
    );
    done(&*store, born(30)).await;
    assert_eq!(
        store.get(id(1)).await.unwrap().unwrap().created_at,
        at_millis(30)
    );
}

async fn a_deleted_person_is_gone(backing: &mut impl Backing) {
    let store = backing.store();
    assert_eq!(
        store.apply(delete(id(1))).await.unwrap(),
        WriteOutcome::NotFound
    );
    done(&*store, save(id(1), "A")).await;
    done(&*store, save(id(2), "B")).await;
    done(&*store, delete(id(1))).await;
    assert_eq!(store.get(id(1)).await.unwrap(), None);
    assert_eq!(
        all_people(&*store, 10)
            .await
            .iter()
            .map(|person| person.id)
            .collect::<Vec<_>>(),
        [id(2)]
    );
    assert_eq!(
        store.apply(delete(id(1))).await.unwrap(),
        WriteOutcome::NotFound
    );
}

/// Tries every expectation on an existing and a missing person, with a save and with a delete.
async fn an_expectation_decides_whether_a_write_happens(backing: &mut impl Backing) {
    let store = backing.store();
    let stale = done(&*store, save(id(99), "old")).await.position;
    for saves in [true, false] {
        for there in [true, false] {
            for case in 0..6 {
                let _ = store.apply(delete(id(99))).await.unwrap();
                let current = if there {
                    Some(done(&*store, save(id(99), "now")).await.position)
                } else {
                    None
                };
                let expect = match case {
                    0 => Expectation::Anything,
                    1 => Expectation::Absent,
                    2 => Expectation::Present,
                    3 => Expectation::Revision(stale),
                    4 => Expectation::Revision(current.unwrap_or(stale)),
                    _ => Expectation::Impossible,
                };
                let holds = match case {
                    0 => true,
                    1 => !there,
                    2 | 4 => there,
                    _ => false,
                };
                let write = if saves {
                    save(id(99), "new")
                } else {
                    delete(id(99))
                };
                let applied = store.apply(write.expecting(expect)).await.unwrap();
                let label = format!("{expect:?}, there: {there}, saves: {saves}: {applied:?}");
                if !holds {
                    assert_eq!(applied, WriteOutcome::Conflict { current }, "{label}");
                } else if !saves && !there {
                    assert_eq!(applied, WriteOutcome::NotFound, "{label}");
                } else {
                    assert!(matches!(applied, WriteOutcome::Done { .. }), "{label}");
                    assert_eq!(store.get(id(99)).await.unwrap().is_some(), saves, "{label}");
                }
            }
        }
    }
}

async fn a_refused_write_changes_nothing(backing: &mut impl Backing) {
    let store = backing.store();
    let at = done(&*store, save(id(1), "A")).await;
    let before = (store.heads().await.unwrap(), all_people(&*store, 10).await);
    let other = Position {
        tag: people_gateway::domain::Tag::new(1),
        ..at.position
    };
    for expect in [
        Expectation::Absent,
        Expectation::Impossible,
        Expectation::Revision(other),
    ] {
        for write in [save(id(1), "B"), delete(id(1))] {
            let applied = store.apply(write.expecting(expect)).await.unwrap();
            assert_eq!(
                applied,
                WriteOutcome::Conflict {
                    current: Some(at.position)
                }
            );
        }
    }
    assert_eq!(
        store.apply(delete(id(2))).await.unwrap(),
        WriteOutcome::NotFound
    );
    assert_eq!(
        (store.heads().await.unwrap(), all_people(&*store, 10).await),
        before
    );
}

async fn texts_of_any_kind_are_read_back_unchanged(backing: &mut impl Backing) {
    let store = backing.store();
    let long = "x".repeat(200);
    for name in [
        "Åsa Ö",
        "\u{1d538}\u{0}",
        "a\nb\r\n c",
        "\" \\ %s",
        "0 1 2 3",
        long.as_str(),
    ] {
        let text = format!(
            concat!(
                r#"{{"firstName":{},"lastName":"L","age":0,"job":"","#,
                r#""attributes":{{"b":1.0,"a":[null," "]}}}}"#
            ),
            serde_json::to_string(name).unwrap()
        );
        let fields = people_gateway::domain::FieldsJson::from_stored(&text).unwrap();
        done(
            &*store,
            Write {
                save: Some(fields.clone()),
                ..save(id(1), "A")
            },
        )
        .await;
        assert_eq!(store.get(id(1)).await.unwrap().unwrap().fields, fields);
        let partition = store.partitions().of(id(1));
        let tail = store.tail(partition, count(1)).await.unwrap();
        assert_eq!(tail.changes[0].after, Some(fields), "{name:?}");
    }
}

async fn people_are_paged_in_the_order_of_their_ids(backing: &mut impl Backing) {
    let store = backing.store();
    for number in 0..60 {
        done(&*store, save(id(number), "A")).await;
    }
    for number in (0..60).step_by(7) {
        done(&*store, delete(id(number))).await;
    }
    for partition in store.partitions().iter() {
        let theirs = (0..60).filter(|number| number % 7 != 0).map(id);
        let mut expected: Vec<_> = theirs
            .filter(|id| store.partitions().of(*id) == partition)
            .collect();
        expected.sort_by_key(ToString::to_string);
        let mut found = Vec::new();
        loop {
            let page = store
                .page(
                    partition,
                    found.last().copied(),
                    PageLimits::people(count(4)),
                )
                .await
                .unwrap();
            assert_eq!(page.head, store.heads().await.unwrap()[partition.index()]);
            assert!(page.people.len() <= 4);
            found.extend(page.people.iter().map(|person| person.id));
            if page.people.len() < 4 {
                break;
            }
        }
        assert_eq!(found, expected);
        let between = store
            .page(partition, Some(id(0)), PageLimits::people(count(100)))
            .await
            .unwrap();
        let after: Vec<_> = expected
            .iter()
            .copied()
            .filter(|id| *id > crate::people::id(0))
            .collect();
        let found: Vec<_> = between.people.iter().map(|person| person.id).collect();
        assert_eq!(
            found, after,
            "a page can start after the id of a deleted person"
        );
        for most in [1, 7, 60] {
            let first: Vec<_> = after.iter().copied().take(most).collect();
            assert_eq!(
                store
                    .ids(partition, Some(id(0)), count(most))
                    .await
                    .unwrap(),
                first
            );
        }
        assert_eq!(
            store.ids(partition, None, count(60)).await.unwrap(),
            expected
        );
    }
}

/// The people of all pages of a partition, with at most 40 people and `bytes` bytes each.
async fn pages(store: &dyn Store, partition: Partition, bytes: usize) -> Vec<Vec<Person>> {
    let max = PageLimits {
        people: count(40),
        bytes,
    };
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = store.page(partition, after, max).await.unwrap();
        pages.push(page.people);
        match page.next {
            Some(next) => after = Some(next),
            None => return pages,
        }
    }
}

async fn a_page_has_as_many_people_as_its_bytes_allow_and_at_least_one(backing: &mut impl Backing) {
    let store = backing.store();
    for number in 0..60 {
        done(
            &*store,
            save(
                id(number),
                &"x".repeat(1 + usize::try_from(number * 37 % 90).unwrap()),
            ),
        )
        .await;
    }
    let stored = |person: &Person| {
        let Person {
            revision,
            created_at,
            updated_at,
            ref fields,
            ..
        } = *person;
        StoredPerson {
            revision,
            created_at,
            updated_at,
            fields: fields.clone(),
        }
        .encode()
        .len()
    };
    for bytes in [0, 150, 400, 1000, usize::MAX] {
        for partition in store.partitions().iter() {
            let pages = pages(&*store, partition, bytes).await;
            for (number, page) in pages.iter().enumerate() {
                let held: usize = page.iter().map(stored).sum();
                assert!(
                    page.len() <= 40 && (page.len() <= 1 || held <= bytes),
                    "{held} of {bytes} bytes"
                );
                if let Some(next) = pages.get(number + 1).and_then(|page| page.first()) {
                    assert!(
                        page.len() == 40 || held + stored(next) > bytes,
                        "only {held} of {bytes} bytes, though the next person fits"
                    );
                }
            }
            let found: Vec<_> = pages.concat().iter().map(|person| person.id).collect();
            let mut expected: Vec<_> = (0..60)
                .map(id)
                .filter(|id| store.partitions().of(*id) == partition)
                .collect();
            expected.sort_unstable();
            assert_eq!(found, expected, "{bytes} bytes");
        }
    }
}

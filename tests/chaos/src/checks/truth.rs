//! `Truth` is the state of the surviving server after the last write: its log, people and heads.

use std::collections::BTreeMap;

use people_gateway::domain::{Change, LogPosition, Partition, PersonId};
use people_gateway::filter::Filter;
use people_gateway::rights::Scope;

use people_testing::people::{fields, list};
use people_testing::wait::eventually;

use crate::clients::Record;
use crate::world::{StoreAt, World, heads};

pub(super) struct Truth {
    pub log: Vec<Change>,
    pub all_people: BTreeMap<PersonId, Record>,
    pub heads: BTreeMap<Partition, LogPosition>,
    /// The heads before the last changes. Every client must receive these changes.
    pub before: BTreeMap<Partition, LogPosition>,
}

impl Truth {
    /// Reads and replays the log of the store. Panics if the list differs from it.
    pub(super) async fn read(
        world: &World,
        gateway: usize,
        store: &StoreAt,
        before: BTreeMap<Partition, LogPosition>,
    ) -> Self {
        let log = world.history(store).await;
        let mut all_people = BTreeMap::new();
        for change in &log {
            match change.person() {
                Some(person) => drop(
                    all_people.insert(change.id, record(&Scope::everything().to_json(&person))),
                ),
                None => drop(all_people.remove(&change.id)),
            }
        }
        let gateway = &world.nodes[gateway].gateway;
        eventually("the list is served", || async {
            gateway
                .request("GET", "/people?limit=1")
                .send()
                .await
                .is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        let listed = list(gateway, "").await;
        if world.log_is_whole {
            assert_eq!(listed, all_people, "the list equals the replayed log");
        }
        let all_people = listed;
        Self {
            heads: heads(&log),
            log,
            all_people,
            before,
        }
    }

    pub(super) fn matching(&self, filter: &Filter) -> BTreeMap<PersonId, Record> {
        let people = self
            .all_people
            .iter()
            .filter(|(id, person)| filter.matches(**id, &fields(person)));
        people.map(|(id, person)| (*id, person.clone())).collect()
    }
}

pub(super) fn record(json: &str) -> Record {
    serde_json::from_str(json).expect("an object")
}

pub(super) fn difference<T: PartialEq + std::fmt::Debug>(
    view: &BTreeMap<PersonId, T>,
    truth: &BTreeMap<PersonId, T>,
) -> String {
    let phantoms: Vec<_> = view
        .iter()
        .filter(|(id, _)| !truth.contains_key(id))
        .collect();
    let missing: Vec<_> = truth
        .iter()
        .filter(|(id, _)| !view.contains_key(id))
        .collect();
    let outdated = view
        .iter()
        .filter_map(|(id, held)| Some((id, held, truth.get(id).filter(|now| *now != held)?)));
    format!(
        "phantoms {phantoms:?}, lost {missing:?}, wrong {:?}",
        outdated.collect::<Vec<_>>()
    )
}

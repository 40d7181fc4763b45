//! Damage that reading finds in a store. Each one is remembered until it is mended, so that it is
//! logged once, counted while it lasts, and named by `/readyz`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::{MetricType, TypedMetric};

use super::CorruptRecord;
use super::log::chain::{EntryFault, Flaw};
use crate::domain::{Partition, PersonId, Seq};
use crate::telemetry::Label;

/// Damage that is remembered. Further damage is neither logged nor counted until some is mended.
const REMEMBERED: usize = 256;

/// What is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DamageLocation {
    /// The record of one person.
    Person(Partition, PersonId),
    /// The list of ids of a partition.
    Ids(Partition),
    /// An entry of a partition's log, by its number.
    Entry(Partition, Seq),
    /// The log of a partition: its end is not its head.
    Log(Partition),
    /// The history of a partition: its storage lost the last changes.
    History(Partition),
}

/// The kinds of damage, as they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// A person's record, or an id without one.
    Record,
    /// A partition's list of ids: it does not name the people that exist.
    Ids,
    /// A partition's log: an entry cannot be read, or the end is not the head.
    Log,
    /// A partition's last changes: the embedded file had them and lost them.
    History,
}

/// The damage that is known now. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct KnownDamage(Arc<Mutex<BTreeMap<DamageLocation, String>>>);

impl DamageLocation {
    const fn kind(self) -> DamageKind {
        match self {
            Self::Person(..) => DamageKind::Record,
            Self::Ids(_) => DamageKind::Ids,
            Self::Entry(..) | Self::Log(_) => DamageKind::Log,
            Self::History(_) => DamageKind::History,
        }
    }
}

impl KnownDamage {
    /// Notes damage, and logs it if it is new. `detail` must not contain stored data.
    pub fn found(&self, at: DamageLocation, detail: &str) {
        let mut known = self.lock();
        if known.contains_key(&at) || known.len() >= REMEMBERED {
            return;
        }
        known.insert(at, detail.to_owned());
        let full = known.len() == REMEMBERED;
        drop(known);
        tracing::error!(
            at = %at,
            kind = at.kind().name(),
            detail,
            "the store holds something that cannot be served; people-gateway check names all of it"
        );
        if full {
            tracing::error!(
                REMEMBERED,
                "the limit of remembered damage is reached: further damage is not logged one by one"
            );
        }
    }

    /// Notes that the location is sound, or no longer exists; logs it if it was known as damaged.
    pub fn mended(&self, at: DamageLocation) {
        if self.lock().remove(&at).is_some() {
            tracing::info!(%at, "damage in the store is mended");
        }
    }

    /// Every known location.
    pub fn known(&self) -> Vec<DamageLocation> {
        self.lock().keys().copied().collect()
    }

    /// Whether no damage is known.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// How many locations of a kind are known, at most `REMEMBERED` of all kinds.
    pub fn count(&self, kind: DamageKind) -> usize {
        self.lock().keys().filter(|at| at.kind() == kind).count()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DamageLocation, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text of `/readyz`: the first location, and how many others there are.
impl fmt::Display for KnownDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.lock();
        let Some((first, detail)) = known.first_key_value() else {
            return f.write_str("nothing is damaged");
        };
        write!(f, "{first}: {detail}")?;
        match known.len() - 1 {
            0 => Ok(()),
            others if known.len() >= REMEMBERED => write!(f, "; and {others} others or more"),
            others => write!(f, "; and {others} more"),
        }
    }
}

impl fmt::Display for DamageLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(_, id) => write!(f, "person {id}"),
            Self::Ids(partition) => write!(f, "list of ids of partition {partition}"),
            Self::Entry(partition, seq) => write!(f, "log entry {seq} of partition {partition}"),
            Self::Log(partition) => write!(f, "log of partition {partition}"),
            Self::History(partition) => write!(f, "history of partition {partition}"),
        }
    }
}

/// Notes the state of one person's record.
pub(super) fn note_person(
    known: &KnownDamage,
    partition: Partition,
    id: PersonId,
    damage: Option<&CorruptRecord>,
) {
    match damage {
        Some(why) => known.found(DamageLocation::Person(partition, id), &why.to_string()),
        None => known.mended(DamageLocation::Person(partition, id)),
    }
}

/// Notes a log entry that cannot be read.
pub(super) fn note_flaw(known: &KnownDamage, partition: Partition, flaw: Option<Flaw>) {
    if let Some(Flaw { seq, fault }) = flaw
        && fault != EntryFault::UnknownBefore
    {
        known.found(DamageLocation::Entry(partition, seq), &fault.to_string());
    }
}

impl Label for DamageKind {
    const KEY: &'static str = "kind";
    const ALL: &'static [Self] = &[Self::Record, Self::Ids, Self::Log, Self::History];

    fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Ids => "ids",
            Self::Log => "log",
            Self::History => "history",
        }
    }
}

impl TypedMetric for KnownDamage {
    const TYPE: MetricType = MetricType::Gauge;
}

impl EncodeMetric for KnownDamage {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for kind in DamageKind::ALL {
            let count = i64::try_from(self.count(*kind)).unwrap_or(i64::MAX);
            ConstGauge::new(count)
                .encode(encoder.encode_family(&[(DamageKind::KEY, kind.name())])?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(number: u128) -> DamageLocation {
        DamageLocation::Person(
            Partition::new(0),
            PersonId::new(uuid::Uuid::from_u128(number)),
        )
    }

    #[test]
    fn damage_is_known_until_it_is_mended() {
        let damage = KnownDamage::default();
        assert!(damage.is_empty());
        damage.found(person(1), "garbage");
        damage.found(person(1), "still garbage");
        damage.found(DamageLocation::Ids(Partition::new(0)), "7 records, 6 ids");
        assert_eq!(
            (
                damage.count(DamageKind::Record),
                damage.count(DamageKind::Ids)
            ),
            (1, 1)
        );
        assert_eq!(
            damage.to_string(),
            "person 00000000-0000-0000-0000-000000000001: garbage; and 1 more"
        );
        assert_eq!(
            damage.known(),
            [person(1), DamageLocation::Ids(Partition::new(0))]
        );
        damage.mended(person(1));
        assert_eq!(damage.count(DamageKind::Record), 0);
        damage.mended(DamageLocation::Ids(Partition::new(0)));
        assert!(damage.is_empty());
    }

    #[test]
    fn no_more_damage_is_remembered_than_the_limit() {
        let damage = KnownDamage::default();
        for number in 0..1_000 {
            damage.found(person(number), "garbage");
        }
        assert_eq!(damage.count(DamageKind::Record), REMEMBERED);
        assert!(damage.to_string().ends_with("others or more"), "{damage}");
    }
}

//! What the store was found to hold that cannot be served: remembered until it is mended, so that
//! it is logged once, counted while it lasts, and named by `/readyz`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::{MetricType, TypedMetric};

use super::labels::{DamageLabel, Label as _};
use crate::domain::{Partition, PersonId, Seq};

/// Damages that are remembered. More of them are not logged one by one, and count when others were
/// mended.
const REMEMBERED: usize = 256;

/// Where something is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DamageAt {
    /// The record of one person.
    Person(Partition, PersonId),
    /// The list of ids of a partition.
    Ids(Partition),
    /// An entry of a partition's log, by its number.
    Entry(Partition, Seq),
    /// The log of a partition, whose end is not its head.
    Log(Partition),
    /// The end of a partition's history, which its storage lost.
    History(Partition),
}

/// The damages that are known now. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Damages(Arc<Mutex<BTreeMap<DamageAt, String>>>);

impl DamageAt {
    const fn label(self) -> DamageLabel {
        match self {
            Self::Person(..) => DamageLabel::Record,
            Self::Ids(_) => DamageLabel::Ids,
            Self::Entry(..) | Self::Log(_) => DamageLabel::Log,
            Self::History(_) => DamageLabel::History,
        }
    }
}

impl Damages {
    /// Something is damaged, as `detail` says; logged where it is new. The detail never holds what
    /// is stored.
    pub fn found(&self, at: DamageAt, detail: &str) {
        let mut known = self.lock();
        if known.contains_key(&at) || known.len() >= REMEMBERED {
            return;
        }
        known.insert(at, detail.to_owned());
        let full = known.len() == REMEMBERED;
        drop(known);
        tracing::error!(
            at = %at,
            kind = at.label().word(),
            detail,
            "the store holds something that cannot be served; people-gateway check names all of it"
        );
        if full {
            tracing::error!(
                REMEMBERED,
                "so much is damaged that no more of it is logged one by one"
            );
        }
    }

    /// Something is sound, or is no longer there; logged where it was known to be damaged.
    pub fn mended(&self, at: DamageAt) {
        if self.lock().remove(&at).is_some() {
            tracing::info!(%at, "what was damaged in the store is mended");
        }
    }

    /// All that is known to be damaged.
    pub fn known(&self) -> Vec<DamageAt> {
        self.lock().keys().copied().collect()
    }

    /// Whether nothing is damaged, as far as is known.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// How many damages of a kind are known; `REMEMBERED` in all at most.
    pub fn count(&self, kind: DamageLabel) -> usize {
        self.lock().keys().filter(|at| at.label() == kind).count()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DamageAt, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In words for `/readyz`: how many, and the first of them.
impl fmt::Display for Damages {
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

impl fmt::Display for DamageAt {
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

impl TypedMetric for Damages {
    const TYPE: MetricType = MetricType::Gauge;
}

impl EncodeMetric for Damages {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for kind in DamageLabel::ALL {
            let count = i64::try_from(self.count(*kind)).unwrap_or(i64::MAX);
            ConstGauge::new(count)
                .encode(encoder.encode_family(&[(DamageLabel::NAME, kind.word())])?)?;
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

    fn person(number: u128) -> DamageAt {
        DamageAt::Person(
            Partition::new(0),
            PersonId::new(uuid::Uuid::from_u128(number)),
        )
    }

    #[test]
    fn what_is_damaged_is_known_until_it_is_mended() {
        let damages = Damages::default();
        assert!(damages.is_empty());
        damages.found(person(1), "garbage");
        damages.found(person(1), "still garbage");
        damages.found(DamageAt::Ids(Partition::new(0)), "7 records, 6 ids");
        assert_eq!(
            (
                damages.count(DamageLabel::Record),
                damages.count(DamageLabel::Ids)
            ),
            (1, 1)
        );
        let told = damages.to_string();
        assert_eq!(
            told,
            "person 00000000-0000-0000-0000-000000000001: garbage; and 1 more"
        );
        assert_eq!(
            damages.known(),
            [person(1), DamageAt::Ids(Partition::new(0))]
        );
        damages.mended(person(1));
        assert_eq!(damages.count(DamageLabel::Record), 0);
        damages.mended(DamageAt::Ids(Partition::new(0)));
        assert!(damages.is_empty());
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let damages = Damages::default();
        for number in 0..1_000 {
            damages.found(person(number), "garbage");
        }
        assert_eq!(damages.count(DamageLabel::Record), REMEMBERED);
        assert!(damages.to_string().ends_with("others or more"), "{damages}");
    }
}

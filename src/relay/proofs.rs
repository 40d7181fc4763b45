//! When each partition's head was last known to be what was passed on.

use std::time::Duration;

use people_core::sabotage::{Sabotage, planted};
use tokio::time::Instant;

use crate::domain::{Partition, Partitions};

/// The proofs of all partitions.
#[derive(Debug)]
pub(super) struct Proofs(Vec<HeadProof>);

#[derive(Clone, Copy, Debug)]
struct HeadProof {
    /// When its head was last found to be what was passed on.
    at: Instant,
    /// When that head was asked for; none before the first proof.
    asked: Option<Instant>,
    /// Whether an answer is on its way.
    is_asked: bool,
}

impl Proofs {
    /// Nothing is proved, since now.
    pub(super) fn new(partitions: Partitions) -> Self {
        let proof = HeadProof {
            at: Instant::now(),
            asked: None,
            is_asked: false,
        };
        Self(vec![proof; usize::from(partitions.get())])
    }

    /// The partitions whose heads are to be asked for now; their answers are on their way then.
    pub(super) fn ask(&mut self) -> Vec<Partition> {
        let partitions = (0..).map(Partition::new).zip(&mut self.0);
        partitions
            .filter_map(|(partition, proof)| {
                (!std::mem::replace(&mut proof.is_asked, true)).then_some(partition)
            })
            .collect()
    }

    /// The answers of these partitions have come, whatever they say.
    pub(super) fn answered(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.0[partition.index()].is_asked = false;
        }
    }

    /// The head, asked for at this moment, is what was passed on.
    pub(super) fn proved(&mut self, partition: Partition, asked: Instant) {
        let proof = &mut self.0[partition.index()];
        proof.at = Instant::now();
        proof.asked = Some(asked);
    }

    /// Since when every partition is proved: the time of the proof that is longest ago.
    pub(super) fn oldest(&self) -> Instant {
        let proved = self.0.iter().map(|proof| proof.at);
        let oldest = if planted(Sabotage::SilentPartitionForgotten) {
            proved.max()
        } else {
            proved.min()
        };
        oldest.unwrap_or_else(Instant::now)
    }

    /// The moment after which every proved head was asked for; none before each has been proved.
    pub(super) fn asked(&self) -> Option<Instant> {
        let asked = self.0.iter().map(|proof| proof.asked);
        asked.min().flatten()
    }

    /// The number of partitions that are unproved for longer than `limit`.
    pub(super) fn older_than(&self, limit: Duration) -> i64 {
        let count = self.0.iter().filter(|proof| proof.at.elapsed() > limit);
        i64::try_from(count.count()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn one_silent_partition_neither_hides_nor_delays_the_proofs_of_the_others() {
        let (begun, partitions) = (
            Instant::now(),
            Partitions::new(NonZeroU16::new(3).expect("not zero")),
        );
        let mut proofs = Proofs::new(partitions);
        let [one, two, three] = [0, 1, 2].map(Partition::new);
        assert_eq!(proofs.ask(), [one, two, three]);
        assert!(proofs.ask().is_empty(), "all answers are on their way");
        tokio::time::advance(SECOND).await;
        proofs.answered(&[one, two]);
        for partition in [one, two] {
            proofs.proved(partition, begun);
        }
        assert_eq!((proofs.oldest(), proofs.asked()), (begun, None));
        assert_eq!(proofs.ask(), [one, two], "the third is still silent");
        let now = Instant::now();
        proofs.answered(&[three]);
        proofs.proved(three, now);
        assert_eq!((proofs.oldest(), proofs.asked()), (now, Some(begun)));
        tokio::time::advance(2 * SECOND).await;
        proofs.proved(two, now);
        assert_eq!(proofs.older_than(SECOND), 2);
    }
}

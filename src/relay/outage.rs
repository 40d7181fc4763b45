//! Whether a part of the store answers, as far as the log shows.

use std::collections::BTreeSet;

use crate::domain::Partition;
use crate::store::StoreError;
use crate::telemetry::ErrorChain;

/// An outage that is logged when it begins and when it ends.
pub(super) struct Outage {
    what: &'static str,
    /// The partitions for which there is no answer.
    silent: BTreeSet<Partition>,
}

impl Outage {
    pub(super) const fn of(what: &'static str) -> Self {
        Self {
            what,
            silent: BTreeSet::new(),
        }
    }

    /// Logs its beginning and its end; the attempts in between are not worth a line.
    pub(super) fn tell<T>(&mut self, partitions: &[Partition], answer: &Result<T, StoreError>) {
        let Self { what, silent } = self;
        let lasted = !silent.is_empty();
        if let Err(error) = answer {
            silent.extend(partitions);
            if !lasted {
                let (error, partitions) = (ErrorChain(error), silent.len());
                tracing::warn!(
                    partitions,
                    %error,
                    "the {what} does not answer; trying until it does"
                );
            }
        } else {
            silent.retain(|partition| !partitions.contains(partition));
            if lasted && silent.is_empty() {
                tracing::info!("the {what} answers again");
            }
        }
    }
}

//! The probe of every second: each server is asked for the heads of its partitions, and for a
//! little beside.

use std::collections::BTreeSet;
use std::task::{Poll, ready};

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, FuturesUnordered};

use super::agreement::Group;
use super::connection::{Attempts, CommandFailure};
use super::heads::Failure;
use super::store::RedisStore;
use super::topology::Home;
use crate::domain::Partition;
use crate::store::Heads;

/// What one attempt at a group came to.
enum Attempt {
    Answered(Heads),
    /// It is to be made again, apart for each of these, wherever they belong by then.
    Failed([Vec<Partition>; 2], Attempts),
}

/// Partitions that are asked for together; those without a known owner are asked of nobody.
type Grouped = Result<Group, Vec<Partition>>;

impl RedisStore {
    /// Probes the owners of these partitions side by side. One that fails is asked again within the
    /// time limit of a call, and its partitions where they belong then.
    pub(super) fn probe_owners(&self, partitions: &[Partition]) -> BoxStream<'_, Heads> {
        let attempts = self.router.attempts();
        let groups = self.groups(partitions).into_iter();
        let mut asking: FuturesUnordered<_> = groups
            .map(|group| self.ask_group(group, attempts.clone()))
            .collect();
        stream::poll_fn(move |context| {
            loop {
                match ready!(asking.poll_next_unpin(context)) {
                    None => return Poll::Ready(None),
                    Some(Attempt::Answered(heads)) => return Poll::Ready(Some(heads)),
                    Some(Attempt::Failed(parts, attempts)) => {
                        for group in parts.iter().flat_map(|part| self.groups(part)) {
                            asking.push(self.ask_group(group, attempts.clone()));
                        }
                    }
                }
            }
        })
        .boxed()
    }

    /// These partitions by the servers that own them now.
    fn groups(&self, partitions: &[Partition]) -> Vec<Grouped> {
        let mut missing: BTreeSet<Partition> = partitions.iter().copied().collect();
        let mut groups = Vec::new();
        for owner in self.router.owners.now().owners() {
            let own = owner.partitions.iter().copied();
            let partitions: Vec<_> = own.filter(|partition| missing.remove(partition)).collect();
            if !partitions.is_empty() {
                groups.push(Ok(Group { owner, partitions }));
            }
        }
        if !missing.is_empty() {
            groups.push(Err(missing.into_iter().collect()));
        }
        groups
    }

    /// Asks one server once; pauses after a failure that another attempt may mend.
    async fn ask_group(&self, group: Grouped, mut attempts: Attempts) -> Attempt {
        let (partitions, asked) = match group {
            Ok(group) => {
                let asked = self.proved_heads(&group, &attempts).await;
                (group.partitions, asked)
            }
            Err(partitions) => {
                let (home, failure) = (partitions[0], CommandFailure::no_owner());
                let failure = Failure::Command(Home::Partition(home), failure);
                (partitions, Err(failure))
            }
        };
        let heads = match asked {
            Ok(heads) => Ok(heads),
            Err(Failure::Command(home, failure)) if attempts.again(&failure).await => {
                return Attempt::Failed(apart(partitions, home, &failure), attempts);
            }
            Err(Failure::Command(_, failure)) => Err(failure.into()),
            Err(Failure::Store(error)) => Err(error),
        };
        let heads = self.counted(heads);
        Attempt::Answered(Heads { partitions, heads })
    }
}

/// A partition that a server sends away, and those that were asked for with it: its slot may be
/// moved for minutes, which does not concern them.
fn apart(
    partitions: Vec<Partition>,
    failed: Home,
    failure: &CommandFailure,
) -> [Vec<Partition>; 2] {
    let is_alone = matches!(failure, CommandFailure::Redirected(..));
    let failed = |one: &Partition| is_alone && failed == Home::Partition(*one);
    let (alone, others) = partitions.into_iter().partition(failed);
    [alone, others]
}

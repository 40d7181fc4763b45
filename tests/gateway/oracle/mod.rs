//! Exact views, end to end: through every fault, the view that a client folds holds exactly the
//! people who match its filter.

pub(crate) mod author;
mod cuts;
mod damage;
pub(crate) mod follower;
mod genesis;
mod histories;
mod slow_readers;
mod snapshots;
mod tenants;
mod throttle;
mod truth;

use people_gateway::domain::{LogPosition, Partition};

/// The last of these log positions in each partition.
fn last_of_each_partition(log_positions: &[String]) -> Vec<LogPosition> {
    let mut last: Vec<LogPosition> = Vec::new();
    for log_position in log_positions {
        let at: LogPosition = log_position.parse().expect("a log position");
        match last
            .iter_mut()
            .find(|known| known.partition == at.partition)
        {
            Some(known) if known.position.seq < at.position.seq => *known = at,
            Some(_) => {}
            None => last.push(at),
        }
    }
    last.sort_by_key(|at| Partition::index(at.partition));
    last
}

//! Exact views, end to end: whatever breaks on the way, the view that a client folds is the people
//! who match.

pub(crate) mod author;
mod cuts;
mod damage;
pub(crate) mod follower;
mod forks;
mod genesis;
mod histories;
mod slow_readers;
mod snapshots;
mod throttle;
mod truth;

use people_gateway::domain::{LogPosition, Partition};

/// A client whose view moved past something is told so at once, so that it knows when it has seen
/// all.
const TELLING: &[(&str, &str)] = &[("live.position_interval_ms", "100")];

/// The last of these places in each partition.
fn last_of_each(places: &[String]) -> Vec<LogPosition> {
    let mut last: Vec<LogPosition> = Vec::new();
    for place in places {
        let at: LogPosition = place.parse().expect("a place");
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

//! The faults: each brings one about in a world, and has everything compared afterwards.

mod clients;
mod embedded;
mod gateways;
mod histories;
mod masters;
mod redis;
mod stage;

use futures_util::future::LocalBoxFuture;

use crate::checks::RunReport;
use crate::world::Case;

/// A fault, and the schedule of its runs.
pub struct Fault {
    /// What the command line calls it.
    pub name: &'static str,
    /// What happens, for a table.
    pub what: &'static str,
    /// The numbers of partitions with which it is run.
    pub partitions: &'static [u16],
    pub servers: Servers,
    /// The runs of `cargo test`, with the seeds from 1 on.
    pub short_runs: u64,
    pub schedule: Schedule,
}

/// The servers that a run starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Servers {
    /// At most one, and perhaps its replica.
    One,
    /// A cluster, or a master with sentinels. Such runs take turns.
    Group,
}

/// Runs a fault with the random values of a case.
pub type Schedule = fn(Case) -> LocalBoxFuture<'static, RunReport>;

/// All faults, in the order of the table.
pub fn all() -> impl Iterator<Item = &'static Fault> {
    [
        gateways::FAULTS,
        clients::FAULTS,
        embedded::FAULTS,
        redis::FAULTS,
        histories::FAULTS,
        masters::FAULTS,
    ]
    .into_iter()
    .flatten()
}

/// The fault of this name.
pub fn named(name: &str) -> Option<&'static Fault> {
    all().find(|fault| fault.name == name)
}

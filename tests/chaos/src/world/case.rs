//! One run of a fault's schedule.

use std::num::NonZeroU16;

use people_gateway::domain::Partitions;

/// One run of a schedule. All random values come from its seed.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: &'static str,
    pub seed: u64,
    pub partitions: u16,
}

impl Case {
    /// The logs of the run.
    pub fn logs(&self) -> Partitions {
        Partitions::new(NonZeroU16::new(self.partitions).expect("at least one"))
    }

    /// Every other seed has short queues and a small ring: clients fall behind, and are served from
    /// the log.
    pub fn is_tight(&self) -> bool {
        self.seed.is_multiple_of(2)
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} with seed {} and {} partitions",
            self.name, self.seed, self.partitions
        )
    }
}

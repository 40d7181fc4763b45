//! One gateway with an embedded store: it is killed, its disk is full, its file is cut or changed,
//! its folder cannot be used, or another process wants it.

mod damage;
mod folder;
mod full;
mod kills;
mod program;
mod volume;

use super::stage::Stage;
use super::{Fault, Servers};
use crate::world::{Case, World};

/// Several logs, and one.
const PARTITIONS: &[u16] = &[4, 1];

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "embedded-kill-loop",
        what: "a gateway with an embedded store is killed and restarted, five times",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 1,
        schedule: |case| Box::pin(kills::kill_loop(case)),
    },
    Fault {
        name: "embedded-disk-full",
        what: "the disk of an embedded store is full, and has room again",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 1,
        schedule: |case| Box::pin(full::disk(case)),
    },
    Fault {
        name: "embedded-file-limit",
        what: "the file of an embedded store may not grow, and may again",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 1,
        schedule: |case| Box::pin(full::file(case)),
    },
    Fault {
        name: "embedded-tail-cut",
        what: "the gateway ends, and the end of its file is cut off, or missing in a backup",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 1,
        schedule: |case| Box::pin(damage::tail_cut(case)),
    },
    Fault {
        name: "embedded-bit-flipped",
        what: "a bit of its file changes while the gateway is down, eight times",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 1,
        schedule: |case| Box::pin(damage::bit_flipped(case)),
    },
    Fault {
        name: "embedded-folder-read-only",
        what: "the folder of an embedded store becomes read-only, or a file",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 1,
        schedule: |case| Box::pin(folder::read_only(case)),
    },
    Fault {
        name: "embedded-second-process",
        what: "other processes want the folder of a serving gateway",
        partitions: PARTITIONS,
        servers: Servers::One,
        short_runs: 1,
        schedule: |case| Box::pin(kills::second_process(case)),
    },
];

/// A gateway with a store in its own folder. Connections may end without a close frame: the gateway
/// is killed.
async fn set(case: &Case) -> Stage {
    let (world, store) = World::embedded(case, &[]).await;
    let mut stage = Stage::fill(world, store).await;
    stage.world.allowed.closes = true;
    stage.world.close_codes = Some(&[0]);
    stage
}

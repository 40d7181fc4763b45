//! The flags of each workload.

use clap::builder::RangedU64ValueParser;
use clap::{Args, value_parser};

use super::TargetFlags;
use crate::load::plan::FilterKind;
use crate::report::Disturbed;
use crate::servers::Writer;

/// Flags of `fanout`.
#[derive(Args, Debug)]
pub(crate) struct Fanout {
    /// Clients that get every change
    #[arg(long, default_value_t = 1000, value_parser = some())]
    pub(crate) clients: u32,
    /// Changes a second
    #[arg(long, default_value_t = 20, value_parser = rate(), conflicts_with = "in_flight")]
    pub(crate) rate: u32,
    /// Flat out: the next change as soon as fewer than N are on their way
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1000))]
    pub(crate) in_flight: Option<u32>,
    #[command(flatten)]
    pub(crate) stretch: Stretch,
    #[command(flatten)]
    pub(crate) beside: Beside,
    #[command(flatten)]
    pub(crate) target: TargetFlags,
}

/// Flags of `selective`.
#[derive(Args, Debug)]
pub(crate) struct Selective {
    /// Clients, each with one of the filters
    #[arg(long, default_value_t = 10_000, value_parser = some())]
    pub(crate) clients: u32,
    /// Distinct filters; each change matches one of them
    #[arg(long, default_value_t = 1000, value_parser = some())]
    pub(crate) filters: u32,
    /// What the filters are like
    #[arg(long, value_enum, default_value_t = FilterKind::Equal)]
    pub(crate) filter: FilterKind,
    /// Changes a second
    #[arg(long, default_value_t = 1000, value_parser = rate())]
    pub(crate) rate: u32,
    /// Seconds that are measured, after a warm-up of 2 (less if this is less); in 30 every timer of
    /// the gateway fires
    #[arg(long, default_value_t = 30, value_parser = value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,
    #[command(flatten)]
    pub(crate) beside: Beside,
    #[command(flatten)]
    pub(crate) target: TargetFlags,
}

/// Flags of `idle`.
#[derive(Args, Debug)]
pub(crate) struct Idle {
    /// Connections
    #[arg(long, default_value_t = 10_000, value_parser = some())]
    pub(crate) clients: u32,
    /// Distinct filters; 0: nobody has one
    #[arg(long, default_value_t = 0)]
    pub(crate) filters: u32,
    /// When memory is read for the last time; the gateway pings every 15 seconds
    #[arg(long, default_value_t = 20, value_parser = some())]
    pub(crate) seconds: u32,
    /// Let the floor take its turns too
    #[arg(long)]
    pub(crate) floor: bool,
    #[command(flatten)]
    pub(crate) target: TargetFlags,
}

/// Flags of `storm`.
#[derive(Args, Debug)]
pub(crate) struct Storm {
    /// Clients that connect at once
    #[arg(long, default_value_t = 10_000, value_parser = some())]
    pub(crate) clients: u32,
    /// Distinct filters of those
    #[arg(long, default_value_t = 100, value_parser = some())]
    pub(crate) filters: u32,
    /// Clients that are there already, and get every change
    #[arg(long, default_value_t = 100, value_parser = some())]
    pub(crate) standing: u32,
    /// Changes a second, for those
    #[arg(long, default_value_t = 20, value_parser = rate())]
    pub(crate) rate: u32,
    #[command(flatten)]
    pub(crate) beside: Beside,
    #[command(flatten)]
    pub(crate) target: TargetFlags,
}

/// Flags of `resume`.
#[derive(Args, Debug)]
pub(crate) struct Resume {
    /// Clients that come back at once
    #[arg(long, default_value_t = 10_000, value_parser = some())]
    pub(crate) clients: u32,
    /// How many changes old their cursor is
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u64).range(1..))]
    pub(crate) changes: u64,
    /// Distinct filters; each change matches one of them
    #[arg(long, default_value_t = 100, value_parser = some())]
    pub(crate) filters: u32,
    #[command(flatten)]
    pub(crate) writer: WriterFlag,
    #[command(flatten)]
    pub(crate) target: TargetFlags,
}

/// Flags of `slow`.
#[derive(Args, Debug)]
pub(crate) struct Slow {
    /// Clients that read as fast as they can
    #[arg(long, default_value_t = 50, value_parser = some())]
    pub(crate) clients: u32,
    /// Clients that read slowly
    #[arg(long = "slow", value_name = "CLIENTS", default_value_t = 50, value_parser = some())]
    pub(crate) burden: u32,
    /// Bytes a second that each of those reads
    #[arg(long, default_value_t = 16_384, value_parser = value_parser!(u32).range(20..))]
    pub(crate) bytes_per_second: u32,
    /// Changes a second, for everybody
    #[arg(long, default_value_t = 400, value_parser = rate())]
    pub(crate) rate: u32,
    /// Measure the server's memory instead, for each of so many connections that never read, call
    /// by call
    #[arg(long, value_name = "CONNECTIONS", value_parser = some(),
        conflicts_with_all = ["clients", "burden", "bytes_per_second", "rate"])]
    pub(crate) unread: Option<u32>,
    #[command(flatten)]
    pub(crate) stretch: Stretch,
    #[command(flatten)]
    pub(crate) writer: WriterFlag,
    #[command(flatten)]
    pub(crate) target: TargetFlags,
}

/// Flags of `push`.
#[derive(Args, Debug)]
pub(crate) struct Push {
    /// Clients that get every change
    #[arg(long, default_value_t = 1000, value_parser = some())]
    pub(crate) clients: u32,
    /// Changes a second
    #[arg(long, default_value_t = 20, value_parser = rate())]
    pub(crate) rate: u32,
    #[command(flatten)]
    pub(crate) stretch: Stretch,
    #[command(flatten)]
    pub(crate) beside: Beside,
    #[command(flatten)]
    pub(crate) target: TargetFlags,
}

/// Flags of `writes`.
#[derive(Args, Debug)]
pub(crate) struct Writing {
    /// What Redis keeps of its data; both, one after the other, where nothing is said
    #[arg(long, value_enum)]
    pub(crate) keeps: Option<RedisKeeps>,
    /// How long one turn of REST lasts
    #[arg(long, default_value_t = 3, value_parser = some())]
    pub(crate) seconds: u32,
    /// How often each takes its turn
    #[arg(long, default_value_t = 7, value_parser = value_parser!(u32).range(1..=100))]
    pub(crate) turns: u32,
    /// What to do about a turn in which others took more than a third of a core
    #[arg(long, value_enum, default_value_t = Disturbed::Repeat)]
    pub(crate) disturbed: Disturbed,
    /// The program to measure [default: people-gateway beside this program]
    #[arg(long, value_name = "PATH")]
    pub(crate) gateway: Option<std::path::PathBuf>,
    /// Write the report as JSON into a file, or - to standard output
    #[arg(long, value_name = "FILE|-")]
    pub(crate) json: Option<super::JsonTo>,
}

/// Whether Redis writes to its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RedisKeeps {
    /// Nothing
    Memory,
    /// An append-only file, synced every second
    File,
}

/// How long is measured.
#[derive(Args, Debug)]
pub(crate) struct Stretch {
    /// Seconds that are measured, after a warm-up of 2 (less if this is less)
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,
}

/// Where changes are made.
#[derive(Args, Debug)]
pub(crate) struct WriterFlag {
    /// Which gateway changes are made on
    #[arg(long, value_enum, default_value_t = Writer::Same, conflicts_with = "url")]
    pub(crate) writer: Writer,
}

/// Where changes are made, and whether the floor takes part.
#[derive(Args, Debug)]
pub(crate) struct Beside {
    /// Let the floor take its turns too, and tell the ratio to it
    #[arg(long)]
    pub(crate) floor: bool,
    #[command(flatten)]
    pub(crate) writer: WriterFlag,
}

/// A number of things, one at least.
fn some() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..)
}

/// Changes a second.
fn rate() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..=100_000)
}

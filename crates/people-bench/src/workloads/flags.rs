//! Flags that several workloads share.

use clap::builder::RangedU64ValueParser;
use clap::{Args, value_parser};

use crate::servers::WriterPlace;

/// The length of the measurement.
#[derive(Args, Debug)]
pub(crate) struct SecondsFlag {
    /// Seconds of the measurement, after a warm-up of 2 (less if this is less)
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=86_400))]
    pub(super) seconds: u32,
}

/// The gateway that takes the changes.
#[derive(Args, Debug)]
pub(crate) struct WriterFlag {
    /// The gateway that takes the changes
    #[arg(long, value_enum, default_value_t = WriterPlace::Same, conflicts_with = "url")]
    pub(super) writer: WriterPlace,
}

/// The baseline, and the gateway that takes the changes.
#[derive(Args, Debug)]
pub(crate) struct BaselineFlags {
    /// Let the baseline take its turns too, and report the ratio to it
    #[arg(long)]
    pub(super) baseline: bool,
    #[command(flatten)]
    pub(super) writer: WriterFlag,
}

/// A number of at least one.
pub(super) fn positive() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..)
}

/// Changes per second.
pub(super) fn rate() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..=100_000)
}

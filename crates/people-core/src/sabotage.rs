//! Bugs that are planted on purpose, one line of the gateway or its client each, so that a suite of
//! faults shows that it notices them.
//!
//! They exist in builds with the feature `sabotage` only, and even there none is planted unless the
//! environment names one. In all other builds [`planted`] is the constant `false`.

use std::str::FromStr;

/// The environment variable that names the planted bug.
pub const VARIABLE: &str = "PEOPLE_GATEWAY_SABOTAGE";

macro_rules! sabotages {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal)+) => {
        /// A bug, by what it breaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Sabotage {
            $($(#[doc = $doc])+ $variant),+
        }

        impl Sabotage {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name by which the environment names it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }
    };
}

sabotages! {
    /// The relay asks the log after a gap, and passes on nothing of what it answers.
    GapSkipped "gap-skipped"
    /// The relay passes on a frame that waited for the log's answer, though the answer brought it.
    RepeatDelivered "repeat-delivered"
    /// The relay goes on from the head of a forked log, and clients keep what was lost.
    ForkUntold "fork-untold"
    /// The relay goes on in a new epoch, and clients keep the people of the old one.
    EpochUntold "epoch-untold"
    /// The relay takes every head for what it passed on: no lost last change is noticed.
    HeadsNotCompared "heads-not-compared"
    /// Continuity counts as proved while one partition is silent: no client learns `stale`.
    SilentPartitionForgotten "silent-partition-forgotten"

    /// A slow client whose queue overflows goes on behind the changes that were dropped.
    OverflowForgotten "overflow-forgotten"
    /// A batch judges each person by the last change alone, not from the first image to the last.
    BatchByLastChange "batch-by-last-change"
    /// A page counts as read where the gateway is when it arrives, not at its own position.
    PagePositionLate "page-position-late"
    /// A session is not sent what came between its catch-up and the dispatcher's taking over.
    HandOverGap "hand-over-gap"
    /// A client whose cursor cannot be continued gets pages without a `reset` before them.
    ResetUntold "reset-untold"

    /// A write whose answer was lost is sent again, though it may have happened.
    LostWriteRepeated "lost-write-repeated"
    /// The repeat of a write with an unknown outcome goes without its idempotency key.
    KeyLostInRepeat "key-lost-in-repeat"
    /// A write is acknowledged however few replicas have it.
    WaitIgnored "wait-ignored"
    /// Of several sentinels the one with the lowest epoch is believed.
    OlderMapBelieved "older-map-believed"
    /// The embedded store answers a write before the disk has it.
    CommitNotDurable "commit-not-durable"
    /// The embedded store opens a file without comparing its checksums.
    DamagedFileServed "damaged-file-served"

    /// The client resumes where its last `live` or `position` was, before changes that it got.
    ChangeNotCounted "change-not-counted"
    /// The client's view keeps its people at a `reset`.
    ViewKeptAtReset "view-kept-at-reset"
    /// The client connects again from now, without its cursor.
    ResumeWithoutCursor "resume-without-cursor"
}

/// The text is the name of no bug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no sabotage; there are {names}", names = names())]
pub struct UnknownSabotage(String);

fn names() -> String {
    let names: Vec<_> = Sabotage::ALL.iter().map(|one| one.name()).collect();
    names.join(", ")
}

impl FromStr for Sabotage {
    type Err = UnknownSabotage;

    fn from_str(text: &str) -> Result<Self, UnknownSabotage> {
        let found = Self::ALL.iter().find(|one| one.name() == text);
        found.copied().ok_or_else(|| UnknownSabotage(text.into()))
    }
}

/// Whether this bug is planted.
#[cfg(not(feature = "sabotage"))]
#[inline]
pub const fn planted(_: Sabotage) -> bool {
    false
}

/// Whether this bug is planted. Panics where the environment names one that does not exist.
#[cfg(feature = "sabotage")]
pub fn planted(sabotage: Sabotage) -> bool {
    named() == Some(sabotage)
}

/// The planted bug.
#[cfg(not(feature = "sabotage"))]
#[inline]
pub const fn named() -> Option<Sabotage> {
    None
}

/// The planted bug. The environment is read once. Panics where it names one that does not exist.
#[cfg(feature = "sabotage")]
pub fn named() -> Option<Sabotage> {
    static NAMED: std::sync::LazyLock<Option<Sabotage>> = std::sync::LazyLock::new(|| {
        let name = std::env::var_os(VARIABLE)?;
        let read = name.to_string_lossy().parse();
        #[expect(
            clippy::panic,
            reason = "a test with a misspelled bug would test nothing"
        )]
        Some(read.unwrap_or_else(|error: UnknownSabotage| panic!("{VARIABLE}: {error}")))
    });
    *NAMED
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_twenty_and_each_is_read_by_a_name_of_its_own() {
        let names: BTreeSet<_> = Sabotage::ALL.iter().map(|one| one.name()).collect();
        assert_eq!((Sabotage::ALL.len(), names.len()), (20, 20));
        for sabotage in Sabotage::ALL {
            let name = sabotage.name();
            let is_kebab = |text: &str| text.bytes().all(|b| b == b'-' || b.is_ascii_lowercase());
            assert!(is_kebab(name), "{name}");
            assert_eq!(name.parse(), Ok(*sabotage));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_all_names() {
        for text in ["", "gap", "GapSkipped", "gap-skipped "] {
            let error = text.parse::<Sabotage>().unwrap_err().to_string();
            for sabotage in Sabotage::ALL {
                assert!(error.contains(sabotage.name()), "{error}");
            }
        }
    }

    #[cfg(not(feature = "sabotage"))]
    #[test]
    fn none_is_planted_without_the_feature() {
        const { assert!(named().is_none()) };
        for sabotage in Sabotage::ALL {
            assert!(!planted(*sabotage));
        }
    }

    #[cfg(feature = "sabotage")]
    #[test]
    fn the_one_that_the_environment_names_is_planted_alone() {
        let name = std::env::var(VARIABLE).ok();
        for sabotage in Sabotage::ALL {
            let is_named = name.as_deref() == Some(sabotage.name());
            assert_eq!(planted(*sabotage), is_named, "{}", sabotage.name());
        }
    }
}

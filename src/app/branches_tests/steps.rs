//! A schedule is a gateway's setting and the steps that happen to it; proptest draws both.

use proptest::prelude::*;

use super::store::PEOPLE;

/// What happens next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A write of this gateway, or of one that is at the other server; its frame may be lost.
    Write {
        elsewhere: bool,
        person: u128,
        age: Option<u8>,
        loses_frame: bool,
    },
    /// The other server becomes a copy that lacks this many writes of each log.
    Copy(usize),
    /// Commands go to the other server, some of them later than others.
    SwitchCommands {
        strays: bool,
    },
    /// Frames come from the other server; the gateway may see its subscription reconnect.
    SwitchChannel {
        announced: bool,
    },
    /// The server loses this many writes of each log; it may cut the subscription.
    Lose(usize, bool),
    Wipe,
    Open {
        is_text: bool,
        from: From,
    },
    /// A client's view is saved, to be resumed by another later.
    Save(prop::sample::Index),
    /// A client is cut off, and resumes.
    Cut(prop::sample::Index),
    Wait(u64),
}

#[derive(Clone, Debug)]
pub(super) enum From {
    Now,
    Snapshot,
    Saved(prop::sample::Index),
}

/// The gateway's setting.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) partitions: u16,
    pub(super) log_max: usize,
    pub(super) ring_bytes: usize,
    pub(super) head_interval_ms: u64,
    pub(super) seed: u64,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    let from = prop_oneof![
        1 => Just(From::Now),
        4 => Just(From::Snapshot),
        4 => index().prop_map(From::Saved),
    ];
    let age = prop::option::weighted(0.8, 15..25_u8);
    let write = (
        prop::bool::weighted(0.2),
        0..PEOPLE,
        age,
        prop::bool::weighted(0.1),
    );
    prop_oneof![
        12 => write.prop_map(|(elsewhere, person, age, loses_frame)| Step::Write {
            elsewhere,
            person,
            age,
            loses_frame,
        }),
        1 => (0..4_usize).prop_map(Step::Copy),
        1 => any::<bool>().prop_map(|strays| Step::SwitchCommands { strays }),
        1 => any::<bool>().prop_map(|announced| Step::SwitchChannel { announced }),
        1 => (1..5_usize, any::<bool>()).prop_map(|(lost, cuts)| Step::Lose(lost, cuts)),
        1 => prop::bool::weighted(0.2).prop_map(|wipes| {
            if wipes { Step::Wipe } else { Step::Wait(300) }
        }),
        4 => (prop::bool::weighted(0.2), from)
            .prop_map(|(is_text, from)| Step::Open { is_text, from }),
        2 => index().prop_map(Step::Save),
        2 => index().prop_map(Step::Cut),
        5 => (1..200_u64).prop_map(Step::Wait),
    ]
}

pub(super) fn setting() -> impl Strategy<Value = Setting> {
    let partitions = prop_oneof![Just(1_u16), Just(3)];
    let log_max = prop_oneof![3 => Just(1000_usize), 1 => Just(8)];
    let ring_bytes = prop_oneof![2 => Just(1_usize << 20), 1 => Just(1500)];
    let heads = prop_oneof![Just(1000_u64), Just(400)];
    (partitions, log_max, ring_bytes, heads, any::<u64>()).prop_map(
        |(partitions, log_max, ring_bytes, head_interval_ms, seed)| Setting {
            partitions,
            log_max,
            ring_bytes,
            head_interval_ms,
            seed,
        },
    )
}

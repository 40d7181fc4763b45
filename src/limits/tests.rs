//! The limits against a naive count, which keeps every event.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::*;
use crate::protocol::problem::Problem;
use crate::telemetry::Label as _;

const SECOND: Duration = Duration::from_secs(1);

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not zero")
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A bucket that leaks an event in each interval, counted anew from all events that it took.
struct Bucket {
    interval: u128,
    burst: u128,
    taken: Vec<Duration>,
}

impl Bucket {
    fn new(interval: Duration, burst: u32) -> Self {
        Self {
            interval: interval.as_nanos(),
            burst: burst.into(),
            taken: Vec::new(),
        }
    }

    /// What is in it now, in nanoseconds of leaking.
    fn content(&self, now: Duration) -> u128 {
        let mut content = 0_u128;
        let mut last = Duration::ZERO;
        for taken in &self.taken {
            content = content.saturating_sub(taken.abs_diff(last).as_nanos()) + self.interval;
            last = *taken;
        }
        content.saturating_sub(now.abs_diff(last).as_nanos())
    }

    fn take(&mut self, now: Duration) -> bool {
        let has_room = self.content(now) + self.interval <= self.burst * self.interval;
        if has_room {
            self.taken.push(now);
        }
        has_room
    }
}

/// Events, each some time after the one before.
fn pauses() -> impl Strategy<Value = Vec<u64>> {
    let pause = prop_oneof![3 => 0_u64..3, 3 => 0_u64..200, 1 => 0_u64..5_000];
    proptest::collection::vec(pause, 1..200)
}

fn address(number: u32) -> AddressBlock {
    IpAddr::from(number.to_be_bytes()).into()
}

fn limits(options: Options) -> Limits {
    Limits::new(options, Metrics::default(), Arc::default())
}

fn writes_of(most: u32) -> Limits {
    limits(Options {
        writes_per_second: Some(number(most)),
        ..Options::default()
    })
}

const ADA: CallerName<'_> = CallerName::Subject {
    issuer: None,
    subject: "ada",
};

proptest! {
    #[test]
    fn a_rate_admits_what_a_leaking_bucket_takes(
        events in 1_u32..300, burst in 1_u32..20, pauses in pauses(),
    ) {
        let rate = Rate::new(number(events), SECOND, number(burst));
        let interval = SECOND / events;
        let mut bucket = Bucket::new(interval, burst);
        let (mut now, mut arrival) = (Duration::ZERO, Duration::ZERO);
        let mut admitted = Vec::new();
        for pause in pauses {
            now += millis(pause);
            let decision = rate.admit(arrival, now);
            prop_assert_eq!(decision.is_ok(), bucket.take(now), "{} {:?}", pause, decision);
            match decision {
                Ok(next) => {
                    arrival = next;
                    admitted.push(now);
                }
                Err(wait) => {
                    // Exactly then one more may come, and no nanosecond earlier.
                    prop_assert!(rate.admit(arrival, now + wait).is_ok());
                    let early = (now + wait).abs_diff(Duration::from_nanos(1));
                    prop_assert!(rate.admit(arrival, early).is_err());
                }
            }
        }
        // In each stretch of time there are no more than the burst and what the rate allows.
        let interval = interval.as_nanos();
        for (first, start) in admitted.iter().enumerate() {
            for (last, end) in admitted.iter().enumerate().skip(first) {
                let most = u128::from(burst) + end.abs_diff(*start).as_nanos() / interval;
                prop_assert!((last - first + 1) as u128 <= most);
            }
        }
    }

    #[test]
    fn a_full_table_refuses_newcomers_only_and_forgets_only_what_says_nothing(
        events in proptest::collection::vec((0_u32..24, 0_u64..12), 1..400),
    ) {
        const ROOM: usize = 16;
        let rate = Rate::new(number(10), SECOND, number(3));
        let table = CallerTable::new(NonZeroUsize::new(ROOM).expect("not zero"));
        let mut reference: HashMap<u32, Bucket> = HashMap::new();
        let mut now = Duration::ZERO;
        for (caller, pause) in events {
            now += millis(pause);
            let name = CallerName::Address(address(caller));
            let update = table.update(Limit::Requests, &name, now, |arrival, now| {
                let decision = rate.admit(arrival, now);
                (decision.ok(), decision.is_ok())
            });
            let known = reference.values().filter(|bucket| bucket.content(now) > 0).count();
            let bucket = reference.entry(caller);
            let bucket = bucket.or_insert_with(|| Bucket::new(millis(100), 3));
            match update {
                Ok(is_admitted) => prop_assert_eq!(is_admitted, bucket.take(now)),
                Err(Full { wait }) => {
                    prop_assert_eq!(bucket.content(now), 0, "a known caller was refused");
                    prop_assert!(known >= ROOM / 16, "{} are known", known);
                    prop_assert!(wait > Duration::ZERO && wait <= millis(300));
                }
            }
        }
        let held: usize = table.len();
        prop_assert!(held <= ROOM, "{}", held);
    }
}

#[test]
fn a_full_table_stays_as_large_as_it_is() {
    let options = Options {
        callers: NonZeroUsize::new(65_536).expect("not zero"),
        bad_tokens_per_minute: Some(number(1)),
        ..Options::default()
    };
    let limits = limits(options);
    let mut refused = 0;
    for number in 0..200_000 {
        let caller = address(number);
        match limits.admit_token(caller) {
            Ok(()) => limits.count_bad_token(caller),
            Err(exceeded) => {
                assert_eq!(exceeded.limit, Limit::BadTokens);
                refused += 1;
            }
        }
    }
    let held = limits.table.len();
    assert!((60_000..=65_536).contains(&held), "{held}");
    assert_eq!(held + refused, 200_000);
    let counted = limits.metrics.limited.at(Limit::BadTokens).get();
    assert_eq!(counted, u64::try_from(refused).expect("a count"));
    // An address that is remembered has its own limit, full or not; here it is used up.
    assert!(limits.admit_token(address(0)).is_err());
}

#[tokio::test(start_paused = true)]
async fn bad_tokens_are_counted_and_good_ones_are_not() {
    let limits = limits(Options::default());
    let caller = address(7);
    for _ in 0..20 {
        for _ in 0..5 {
            assert_eq!(limits.admit_token(caller), Ok(()));
        }
        limits.count_bad_token(caller);
    }
    let exceeded = limits.admit_token(caller).expect_err("20 at once");
    assert_eq!((exceeded.most, exceeded.retry), (60, SECOND));
    assert_eq!(limits.admit_token(address(8)), Ok(()));
    tokio::time::advance(SECOND).await;
    assert_eq!(limits.admit_token(caller), Ok(()));
    limits.count_bad_token(caller);
    assert!(limits.admit_token(caller).is_err());
    tokio::time::advance(20 * SECOND).await;
    for _ in 0..20 {
        assert_eq!(limits.admit_token(caller), Ok(()));
        limits.count_bad_token(caller);
    }
    assert!(limits.admit_token(caller).is_err());
}

#[tokio::test(start_paused = true)]
async fn each_limit_counts_by_itself_and_each_issuer_has_subjects_of_its_own() {
    let one = Some(number(1));
    let limits = limits(Options {
        handshakes_per_second: one,
        requests_per_second: one,
        writes_per_second: one,
        ..Options::default()
    });
    let other = CallerName::Subject {
        issuer: Some("other"),
        subject: "ada",
    };
    for limit in [Limit::Handshakes, Limit::Requests, Limit::Writes] {
        for caller in [ADA, other, CallerName::Address(address(1))] {
            let admitted = [(); 3].map(|()| limits.admit(limit, caller).is_ok());
            assert_eq!(admitted, [true, true, false], "{limit:?} {caller:?}");
        }
    }
    assert_eq!(limits.metrics.limited.at(Limit::Writes).get(), 3);
    for limit in [Limit::BadTokens, Limit::Sessions, Limit::Connections] {
        assert_eq!(
            limits.metrics.limited.at(limit).get(),
            0,
            "{}",
            limit.name()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_paced_write_waits_and_counts_as_one_that_is_admitted() {
    let limits = writes_of(100);
    let began = Instant::now();
    for _ in 0..2_000 {
        limits.pace_write(ADA).await;
    }
    assert_eq!(began.elapsed().as_secs(), 18);
    let exceeded = limits
        .admit(Limit::Writes, ADA)
        .expect_err("as fast as allowed");
    assert_eq!(exceeded.limit, Limit::Writes);
    assert!(
        limits
            .admit(Limit::Writes, CallerName::Address(address(1)))
            .is_ok()
    );
    // Two imports of one caller share its rate.
    let both = async || {
        for _ in 0..100 {
            limits.pace_write(ADA).await;
        }
    };
    let began = Instant::now();
    tokio::join!(both(), both());
    let took = began.elapsed();
    assert!((SECOND..=3 * SECOND).contains(&took), "{took:?}");
}

#[test]
fn a_refusal_says_when_to_come_again_in_whole_seconds() {
    for (retry, header) in [
        (Duration::ZERO, "1"),
        (millis(10), "1"),
        (millis(1_000), "1"),
        (millis(1_001), "2"),
        (60 * SECOND, "60"),
    ] {
        for limit in Limit::ALL {
            let exceeded = LimitExceeded {
                limit: *limit,
                most: 7,
                retry,
            };
            let problem = Problem::from(exceeded);
            assert_eq!(problem.status(), 429);
            assert_eq!(problem.headers()["retry-after"], header);
            let document = problem.to_json(None);
            assert_eq!(document["type"], "/problems/limit");
            assert_eq!(document["limit"], limit.name());
            let detail = document["detail"].as_str().expect("a text");
            assert!(detail.contains("Retry-After says"), "{detail}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_off_counts_nobody() {
    let limits = limits(Options {
        bad_tokens_per_minute: None,
        ..Options::default()
    });
    for _ in 0..10_000 {
        limits.count_bad_token(address(1));
        assert_eq!(limits.admit_token(address(1)), Ok(()));
        assert_eq!(limits.admit(Limit::Requests, ADA), Ok(()));
        limits.pace_write(ADA).await;
        assert!(limits.open_session(ADA).expect("no limit").is_none());
        assert!(
            limits
                .open_connection(address(1))
                .expect("no limit")
                .is_none()
        );
    }
    assert_eq!(limits.table.len(), 0);
}

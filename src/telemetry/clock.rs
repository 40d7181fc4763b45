//! The machine's clock, clamped to the years 1970 to 9999, so that no setting of it causes a panic.

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::{ContextV7, Timestamp, Uuid};

/// 9999-12-31T23:59:59.999Z: the last moment that RFC 3339 can write, well below the last of a
/// UUID.
const LAST: Duration = Duration::from_millis(253_402_300_799_999);

/// Keeps UUIDs in order: those of one moment, and those after the clock was set back.
static ORDER: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// The time since 1970, by the machine's clock.
pub fn unix_time() -> Duration {
    since_1970(SystemTime::now())
}

/// Milliseconds since 1970, by the machine's clock.
pub fn unix_millis() -> u64 {
    u64::try_from(unix_time().as_millis()).expect("the year 9999 fits")
}

/// A fresh UUID of version 7. `Uuid::now_v7` panics if the clock is set before 1970.
pub fn fresh_uuid() -> Uuid {
    uuid_at(unix_time())
}

fn since_1970(clock: SystemTime) -> Duration {
    clock
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .min(LAST)
}

fn uuid_at(time: Duration) -> Uuid {
    Uuid::new_v7(Timestamp::from_unix(
        &ORDER,
        time.as_secs(),
        time.subsec_nanos(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain;

    #[test]
    fn no_setting_of_the_clock_causes_a_panic() {
        let year = Duration::from_secs(365 * 24 * 3600);
        for clock in [
            UNIX_EPOCH.checked_sub(100 * year),
            UNIX_EPOCH.checked_sub(Duration::from_nanos(1)),
            Some(UNIX_EPOCH),
            UNIX_EPOCH.checked_add(9_000 * year),
            UNIX_EPOCH.checked_add(200_000 * year),
            Some(SystemTime::now()),
        ] {
            let time = since_1970(clock.expect("the clock reaches this time"));
            assert!(time <= LAST);
            let millis = i64::try_from(time.as_millis()).expect("the year 9999 fits");
            assert!(
                domain::Timestamp::from_millis(millis)
                    .to_string()
                    .ends_with('Z')
            );
            assert_eq!(uuid_at(time).get_version_num(), 7);
        }
    }

    #[test]
    fn uuids_keep_their_order_when_the_clock_is_set_back() {
        let times = [5_000, 5_000, 4_000, 0, 6_000].map(Duration::from_secs);
        let ids: Vec<_> = times.into_iter().map(uuid_at).collect();
        assert!(ids.is_sorted(), "{ids:?}");
    }
}

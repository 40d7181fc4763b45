//! The coarse clock of sessions.

use std::time::Duration;

/// Time in turns of the timer wheel, from its start: coarse, but four bytes. They last for six
/// years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(pub(super) u32);

impl Tick {
    /// The length of one.
    pub const LENGTH: Duration = Duration::from_millis(50);

    /// The first tick at which `duration` is over.
    #[must_use]
    pub(super) fn after(self, duration: Duration) -> Self {
        let ticks = duration
            .as_millis()
            .div_ceil(Self::LENGTH.as_millis())
            .max(1);
        Self(
            self.0
                .saturating_add(u32::try_from(ticks).unwrap_or(u32::MAX)),
        )
    }

    /// How long ago an earlier tick was.
    pub fn since(self, earlier: Self) -> Duration {
        Self::LENGTH * self.0.saturating_sub(earlier.0)
    }
}

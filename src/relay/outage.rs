//! Whether a part of the store answers, as far as the log shows.

use crate::store::StoreError;
use crate::telemetry::ErrorChain;

/// An outage that is logged when it begins and when it ends.
pub(super) struct Outage {
    what: &'static str,
    lasts: bool,
}

impl Outage {
    pub(super) const fn of(what: &'static str) -> Self {
        Self { what, lasts: false }
    }

    /// Logs its beginning and its end; the attempts in between are not worth a line.
    pub(super) fn tell<T>(&mut self, answer: &Result<T, StoreError>) {
        let Self { what, lasts } = self;
        match answer {
            Err(error) if !std::mem::replace(lasts, true) => {
                let error = ErrorChain(error);
                tracing::warn!(%error, "the {what} does not answer; trying until it does");
            }
            Ok(_) if std::mem::take(lasts) => tracing::info!("the {what} answers again"),
            _ => {}
        }
    }
}

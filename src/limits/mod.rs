//! How much a caller may do: so often, or so many at the same time.
//!
//! `rate` decides (GCRA, a pure function), `table` remembers callers in bounded memory, `shares`
//! counts what is open at the same time, `caller` says who is counted. [`Limits`] has one limit for
//! each setting; a refusal is counted, audited, and becomes a 429.
//!
//! All limits are those of one gateway: it shares nothing of them with others.

mod caller;
mod exceeded;
mod limit;
mod metrics;
mod options;
mod rate;
mod shares;
mod table;

pub use caller::{AddressBlock, CallerName};
pub use exceeded::LimitExceeded;
pub use limit::Limit;
pub use metrics::Metrics;
pub use options::Options;
pub use shares::Share;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::telemetry::AuditLog;
use rate::Rate;
use shares::Shares;
use table::{CallerTable, Full};

/// When something that is counted while it is open is worth another try: its end is not known.
const SHARE_RETRY: Duration = Duration::from_secs(5);
/// The wait of an import that finds the table of callers full.
const FULL_PAUSE: Duration = Duration::from_secs(1);

/// The limits of a gateway.
#[derive(Debug)]
pub struct Limits {
    options: Options,
    table: CallerTable,
    sessions: Option<Shares>,
    connections: Option<Shares>,
    /// The table's times count from here.
    began: Instant,
    metrics: Metrics,
    audit: Arc<AuditLog>,
}

impl Limits {
    /// Nobody is counted yet.
    pub fn new(options: Options, metrics: Metrics, audit: Arc<AuditLog>) -> Self {
        Self {
            table: CallerTable::new(options.callers),
            sessions: options.sessions.map(Shares::new),
            connections: options.connections.map(Shares::new),
            began: Instant::now(),
            options,
            metrics,
            audit,
        }
    }

    /// Whether a token of this address may be looked at. It counts nothing: only a refused token
    /// does ([`Self::count_bad_token`]).
    pub fn admit_token(&self, address: AddressBlock) -> Result<(), LimitExceeded> {
        let Some(rate) = self.rate(Limit::BadTokens) else {
            return Ok(());
        };
        let caller = CallerName::Address(address);
        let look = self
            .table
            .update(Limit::BadTokens, &caller, self.now(), |arrival, now| {
                (None, rate.admit(arrival, now).map(drop))
            });
        self.judge(Limit::BadTokens, caller, look)
    }

    /// Counts a refused token of this address.
    pub fn count_bad_token(&self, address: AddressBlock) {
        let Some(rate) = self.rate(Limit::BadTokens) else {
            return;
        };
        let caller = CallerName::Address(address);
        // Others may have used up the rate since this token was admitted: then it counts nothing.
        // A newcomer that finds no room was refused before.
        let _ = self
            .table
            .update(Limit::BadTokens, &caller, self.now(), |arrival, now| {
                (rate.admit(arrival, now).ok(), ())
            });
    }

    /// Counts a handshake, a request or a write; refuses it where the caller had too many.
    pub fn admit(&self, limit: Limit, caller: CallerName<'_>) -> Result<(), LimitExceeded> {
        let Some(rate) = self.rate(limit) else {
            return Ok(());
        };
        let admitted = self
            .table
            .update(limit, &caller, self.now(), |arrival, now| {
                match rate.admit(arrival, now) {
                    Ok(next) => (Some(next), Ok(())),
                    Err(wait) => (None, Err(wait)),
                }
            });
        self.judge(limit, caller, admitted)
    }

    /// Counts a write that is not refused but waits; returns once it may happen. Cancel safe in
    /// that a cancelled write only counts.
    pub async fn pace_write(&self, caller: CallerName<'_>) {
        let Some(rate) = self.rate(Limit::Writes) else {
            return;
        };
        loop {
            let paced = self
                .table
                .update(Limit::Writes, &caller, self.now(), |arrival, now| {
                    let (next, wait) = rate.reserve(arrival, now);
                    (Some(next), wait)
                });
            match paced {
                Ok(Duration::ZERO) => return,
                Ok(wait) => return tokio::time::sleep(wait).await,
                Err(Full { .. }) => tokio::time::sleep(FULL_PAUSE).await,
            }
        }
    }

    /// A share of the caller's sessions, to be kept as long as the session; none where sessions
    /// have no limit.
    pub fn open_session(&self, caller: CallerName<'_>) -> Result<Option<Share>, LimitExceeded> {
        self.open(Limit::Sessions, self.sessions.as_ref(), caller)
    }

    /// A share of the connections of a peer, to be kept as long as the connection; none where they
    /// have no limit.
    pub fn open_connection(&self, peer: AddressBlock) -> Result<Option<Share>, LimitExceeded> {
        let (limit, shares) = (Limit::Connections, self.connections.as_ref());
        self.open(limit, shares, CallerName::Address(peer))
    }

    /// Whether writes have a limit.
    pub fn paces_writes(&self) -> bool {
        self.options.writes_per_second.is_some()
    }

    fn open(
        &self,
        limit: Limit,
        shares: Option<&Shares>,
        caller: CallerName<'_>,
    ) -> Result<Option<Share>, LimitExceeded> {
        let Some(shares) = shares else {
            return Ok(None);
        };
        let share = shares.take(&caller);
        share
            .map(Some)
            .ok_or_else(|| self.exceeded(limit, caller, SHARE_RETRY))
    }

    /// Turns a decision of the table into a refusal.
    fn judge(
        &self,
        limit: Limit,
        caller: CallerName<'_>,
        decision: Result<Result<(), Duration>, Full>,
    ) -> Result<(), LimitExceeded> {
        let wait = match decision {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(wait)) | Err(Full { wait }) => wait,
        };
        Err(self.exceeded(limit, caller, wait))
    }

    fn exceeded(&self, limit: Limit, caller: CallerName<'_>, retry: Duration) -> LimitExceeded {
        self.metrics.limited.at(limit).inc();
        match caller {
            CallerName::Address(address) => self.audit.address_limited(limit, address),
            CallerName::Subject { subject, .. } => self.audit.subject_limited(limit, subject),
        }
        let most = self.options.most(limit).map_or(0, NonZeroU32::get);
        LimitExceeded { limit, most, retry }
    }

    fn rate(&self, limit: Limit) -> Option<Rate> {
        self.options.rate(limit)
    }

    /// The time on the table's clock.
    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

#[cfg(test)]
mod tests;

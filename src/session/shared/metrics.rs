//! The metrics of the sessions.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::filter::Verdict;
use crate::protocol::close::CloseCode;
use crate::protocol::format::WireFormat;
use crate::session::connection::ResetCause;
use crate::store::Discontinuity;
use crate::telemetry::{Label, StaticFamily, metrics};

metrics! {
    /// Metrics of the sessions.
    pub struct Metrics {
        /// Live sessions, by format
        sessions: StaticFamily<WireFormat, Gauge>,
        /// Sessions ended, by close code
        sessions_closed: StaticFamily<CloseCode, Counter>,
        /// Tokens that clients sent on their streams, by outcome
        token_refreshes: StaticFamily<TokenRefresh, Counter>,
        /// Different filters in use
        filters: Gauge,
        /// Bytes that sessions' sockets took, all frames included
        session_sent_bytes: Counter,
        /// Times a session began to catch up with what it had missed
        catch_ups: Counter,
        /// Changes that were read for sessions which catch up, by source
        catch_up_changes: StaticFamily<ReplaySource, Counter>,
        /// Changes sent to sessions which catch up, after composing, by verdict
        catch_up_deliveries: StaticFamily<Verdict, Counter>,
        /// Questions to the log, or to a shared answer of it, by sessions which catch up
        session_log_reads: Counter,
        /// Snapshots begun
        snapshots: Counter,
        /// Pages of people that snapshots went through, read or shared
        snapshot_pages: Counter,
        /// Views that began anew because their position could not be continued, by reason
        session_resets: StaticFamily<ResetCause, Counter>,
        /// Text sessions that went on from the new head after the store lost history, by reason
        session_new_heads: StaticFamily<Discontinuity, Counter>,
    }
}

/// What became of a token that a client sent on its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefresh {
    /// It replaced the old one.
    Accepted,
    /// It was refused, and the old one goes on.
    Refused,
}

impl Label for TokenRefresh {
    const KEY: &'static str = "outcome";
    const ALL: &'static [Self] = &[Self::Accepted, Self::Refused];

    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

/// Where the changes of a catch-up are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaySource {
    /// The ring of recent changes.
    Memory,
    /// The store's log.
    Log,
}

impl Label for ReplaySource {
    const KEY: &'static str = "source";
    const ALL: &'static [Self] = &[Self::Memory, Self::Log];

    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Log => "log",
        }
    }
}

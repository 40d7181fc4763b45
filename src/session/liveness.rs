//! Visits of the timer wheel: pings, silence, and the deadline of a closing.

use std::sync::Arc;

use super::catch_up::drain;
use super::connection::{Connection, DrainHandle, TokenStep};
use super::shared::{Purpose, Shared};
use super::state::WireState;
use super::tick::Tick;
use crate::protocol::close::{Close, CloseCode};

/// Drives the timer wheel; runs as long as the gateway.
pub(super) async fn watch_all(shared: Arc<Shared>) {
    let timers = &shared.timers;
    timers
        .turn(|connection, purpose, now| {
            let (next, handle) = visit(&shared, connection, purpose, now);
            if let Some(handle) = handle {
                drain(&shared, handle);
            }
            next
        })
        .await;
}

/// Visits one session; returns the tick of the next visit, and the drainer that it needs.
fn visit(
    shared: &Shared,
    connection: &Arc<Connection>,
    purpose: Purpose,
    now: Tick,
) -> (Option<Tick>, Option<DrainHandle>) {
    let options = &shared.options;
    match (connection.wire(), purpose) {
        ((WireState::Closing { .. }, since), Purpose::Closing) => {
            let due = since.after(options.close_timeout);
            if now < due {
                return (Some(due), None);
            }
            connection.end(CloseCode::ABNORMAL);
            return (None, None);
        }
        ((WireState::Closing { .. }, _), Purpose::Liveness) => {
            return (Some(now.after(options.close_timeout)), None);
        }
        ((WireState::Open, _), Purpose::Token(generation)) => {
            return visit_token(shared, connection, generation, now);
        }
        ((WireState::Closed(_), _), _)
        | ((WireState::Open, _), Purpose::Closing)
        | ((WireState::Closing { .. }, _), Purpose::Token(_)) => return (None, None),
        ((WireState::Open, _), Purpose::Liveness) => {}
    }
    let silent_from = connection.heard().after(options.silence_limit);
    if now >= silent_from {
        let close = Close::new(CloseCode::STALLED, "nothing was sent or taken for too long");
        let next = now.after(options.close_timeout);
        return (Some(next), shared.close(connection, &close));
    }
    let mut handle = None;
    if now >= connection.ping_due() {
        connection.set_ping_due(now.after(options.ping_interval));
        handle = connection.ping(now, &shared.metrics.session_sent_bytes);
    }
    (Some(connection.ping_due().min(silent_from)), handle)
}

/// Visits the token of an open session.
fn visit_token(
    shared: &Shared,
    connection: &Arc<Connection>,
    generation: u8,
    now: Tick,
) -> (Option<Tick>, Option<DrainHandle>) {
    let sent = &shared.metrics.session_sent_bytes;
    match connection.visit_token(generation, now, sent) {
        TokenStep::Over => (None, None),
        TokenStep::Wait(due, drain) => (Some(due), drain),
        TokenStep::Ended(close) => (None, shared.close(connection, &close)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::UnixStream;

    use super::*;
    use crate::history::{self, History};
    use crate::protocol::format::WireFormat;
    use crate::session::connection::CatchUp;
    use crate::session::options::Options;
    use crate::session::shared::Metrics;
    use crate::session::subscription::Subscription;
    use crate::store::StoreSlot;

    #[tokio::test]
    async fn a_closing_session_waits_one_close_timeout_after_its_last_byte() {
        let history = Arc::new(History::new(history::Options::default()));
        let (slot, options) = (StoreSlot::new(), Options::default());
        let (shared, _commands) = Shared::new(history, slot, options, None, Metrics::default());
        let second = |seconds| Tick(0).after(Duration::from_secs(seconds));
        let (near, _far) = UnixStream::pair().expect("two file descriptors");
        let subscription = Subscription {
            format: WireFormat::Json,
            ..Subscription::default()
        };
        let catch_up = CatchUp::Snapshot { reset: None };
        let handle = Connection::open(near.into(), subscription, catch_up, None);
        let connection = handle.connection();
        assert!(
            shared
                .close(connection, &Close::new(CloseCode::NORMAL, ""))
                .is_none(),
            "the session has a drainer"
        );
        shared.timers.turn_to(second(3));
        // The drainer sends the close frame only now.
        drop(handle.next_step(shared.now(), &shared.metrics.session_sent_bytes));
        shared.timers.turn_to(second(5));
        let visited = || visit(&shared, connection, Purpose::Closing, shared.now()).0;
        assert_eq!(visited(), Some(second(8)));
        shared.timers.turn_to(second(8));
        assert_eq!(visited(), None);
        assert_eq!(connection.wire().0, WireState::Closed(CloseCode::NORMAL));
    }
}

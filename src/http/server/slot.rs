//! A connection's slot among those that may be open, and the state that its two sides share: the
//! side that reads requests and the side that answers them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

use crate::http::metrics::Metrics;
use crate::limits::Share;
use crate::protocol::problem::Problem;

/// A share of a connection's slot among `connections_max`. Each request has one in its extensions,
/// and a session that outlives its request keeps it. The slot is free again once all are dropped.
#[derive(Clone)]
pub struct ConnectionPermit {
    slot: Arc<ConnectionSlot>,
}

struct ConnectionSlot {
    _permit: OwnedSemaphorePermit,
    /// Of the connections that the peer's address may have.
    _share: Option<Share>,
    peer: SocketAddr,
    metrics: Arc<Metrics>,
    /// A request is being answered.
    busy: AtomicBool,
    /// The connection has switched to another protocol.
    switched: AtomicBool,
    /// The problem of the head that was refused last, until a request takes it.
    refusal: Mutex<Option<Problem>>,
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.metrics.http_connections.dec();
    }
}

/// Marks its connection busy from the request until the answer is written.
pub(super) struct BusyGuard(ConnectionPermit);

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.slot.busy.store(false, Ordering::Release);
    }
}

impl ConnectionPermit {
    /// The slot of a connection that was accepted.
    pub(super) fn new(
        permit: OwnedSemaphorePermit,
        share: Option<Share>,
        peer: SocketAddr,
        metrics: Arc<Metrics>,
    ) -> Self {
        metrics.http_connections.inc();
        let [busy, switched] = [(); 2].map(|()| AtomicBool::new(false));
        let slot = ConnectionSlot {
            _permit: permit,
            _share: share,
            peer,
            metrics,
            busy,
            switched,
            refusal: Mutex::new(None),
        };
        Self {
            slot: Arc::new(slot),
        }
    }

    /// The address of the peer.
    pub(in crate::http) fn peer(&self) -> SocketAddr {
        self.slot.peer
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.slot.metrics
    }

    /// Marks the connection busy.
    pub(super) fn begin_request(&self) -> BusyGuard {
        self.slot.busy.store(true, Ordering::Release);
        BusyGuard(self.clone())
    }

    pub(super) fn is_busy(&self) -> bool {
        self.slot.busy.load(Ordering::Acquire)
    }

    /// Notes that the connection switches to another protocol.
    pub(super) fn switch(&self) {
        self.slot.switched.store(true, Ordering::Release);
    }

    pub(super) fn has_switched(&self) -> bool {
        self.slot.switched.load(Ordering::Acquire)
    }

    /// Refuses the next request, which replaces a refused head.
    pub(super) fn refuse_next(&self, problem: Problem) {
        *self
            .slot
            .refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(problem);
    }

    /// The problem of the request that begins now, if it replaces a refused head.
    pub(super) fn take_refusal(&self) -> Option<Problem> {
        self.slot
            .refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

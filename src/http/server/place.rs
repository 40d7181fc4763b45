//! A connection's place among those that may be open, and what its two sides have to tell each
//! other: the one that reads requests and the one that answers them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

use crate::protocol::problem::Problem;
use crate::telemetry::Metrics;

/// A connection's place among `connections_max`: a request finds it in its extensions, and a
/// session that outlives the request keeps it. The place is free again once all clones are gone.
#[derive(Clone)]
pub struct ConnectionPermit {
    place: Arc<Place>,
}

struct Place {
    _permit: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
    /// A request is being answered.
    busy: AtomicBool,
    /// The connection became one of another protocol.
    switched: AtomicBool,
    /// Why the head that stands next was refused.
    refused: Mutex<Option<Problem>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.metrics.http_connections.dec();
    }
}

/// A request that is being answered, until its answer was written.
pub(super) struct Answering(ConnectionPermit);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.place.busy.store(false, Ordering::Release);
    }
}

impl ConnectionPermit {
    /// The place of a connection that is open from now on.
    pub(super) fn new(permit: OwnedSemaphorePermit, metrics: Arc<Metrics>) -> Self {
        metrics.http_connections.inc();
        let [busy, switched] = [(); 2].map(|()| AtomicBool::new(false));
        let place = Place {
            _permit: permit,
            metrics,
            busy,
            switched,
            refused: Mutex::new(None),
        };
        Self {
            place: Arc::new(place),
        }
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.place.metrics
    }

    /// A request is answered from now on.
    pub(super) fn answering(&self) -> Answering {
        self.place.busy.store(true, Ordering::Release);
        Answering(self.clone())
    }

    pub(super) fn is_busy(&self) -> bool {
        self.place.busy.load(Ordering::Acquire)
    }

    /// The connection is one of another protocol from now on.
    pub(super) fn switch(&self) {
        self.place.switched.store(true, Ordering::Release);
    }

    pub(super) fn has_switched(&self) -> bool {
        self.place.switched.load(Ordering::Acquire)
    }

    /// The next request stands for a head that was refused.
    pub(super) fn refuse_next(&self, problem: Problem) {
        *self
            .place
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(problem);
    }

    /// Why the request that begins now is refused, if it stands for such a head.
    pub(super) fn take_refusal(&self) -> Option<Problem> {
        self.place
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

//! One server: its connections, and the queue of single commands to it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ::redis::{Cmd, Pipeline, Value};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::address::Address;
use super::batcher::{Batcher, Effect};
use super::endpoint::Endpoint;
use super::failure::CommandFailure;
use super::pool::Connections;
use crate::store::Metrics;
use crate::store::redis::error::OpenError;
use crate::store::redis::options::Options;

/// A server that owns partitions, until it is retired.
pub(in crate::store::redis) struct Server {
    pub(in crate::store::redis) address: Address,
    /// The number of probes that were published to it.
    pub(in crate::store::redis) probes: Arc<AtomicU64>,
    connections: Arc<Connections>,
    batcher: Batcher,
}

impl Server {
    /// Starts the lanes on the current runtime; they end when the server is dropped. `room` bounds
    /// what waits for all servers.
    pub(in crate::store::redis) fn start(
        endpoint: &Arc<Endpoint>,
        address: Address,
        room: &Arc<Semaphore>,
        options: &Options,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, OpenError> {
        let connections = Connections::new(endpoint, address.clone(), options, metrics)?;
        Ok(Arc::new(Self {
            address,
            probes: Arc::default(),
            batcher: Batcher::start(options, &connections, room, metrics),
            connections,
        }))
    }

    /// Queues one command, and waits for its answer until `deadline`.
    pub(in crate::store::redis) async fn send(
        &self,
        command: Cmd,
        effect: Effect,
        deadline: Instant,
    ) -> Result<Value, CommandFailure> {
        self.batcher.send(command, effect, deadline).await
    }

    /// Sends a pipeline on a connection of its own.
    pub(in crate::store::redis) async fn run(
        &self,
        pipeline: Pipeline,
    ) -> Result<Vec<Result<Value, CommandFailure>>, CommandFailure> {
        self.connections.run(pipeline).await
    }

    /// Drops all idle connections, so that the next commands find the current master.
    pub(in crate::store::redis) fn renew(&self) {
        self.connections.renew();
    }

    /// Gives what waits back to its callers: the server owns nothing any more.
    pub(in crate::store::redis) fn retire(&self) {
        self.batcher.retire();
    }
}

//! Connections to nodes and sentinels, kept between two questions. Each step has a time limit.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, ConnectionInfo, RedisResult, Value};

use crate::store::redis::connection::Address;

/// Those who can be asked for a map.
pub(in crate::store::redis) struct Peers {
    limit: Duration,
    open: Mutex<HashMap<Address, MultiplexedConnection>>,
}

impl Peers {
    /// No connection is open yet; each step may take `limit`.
    pub(in crate::store::redis) fn new(limit: Duration) -> Self {
        Self {
            limit,
            open: Mutex::default(),
        }
    }

    /// The kept connection to this server, or a new one.
    pub(super) async fn connection(
        &self,
        to: &Address,
        info: impl FnOnce() -> ConnectionInfo,
    ) -> Result<MultiplexedConnection, String> {
        if let Some(connection) = self.open().get(to) {
            return Ok(connection.clone());
        }
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.limit))
            .set_response_timeout(Some(self.limit));
        let client = Client::open(info()).map_err(|error| error.to_string())?;
        let connecting = client.get_multiplexed_async_connection_with_config(&limits);
        let connection = self.answer(connecting).await?;
        self.open().insert(to.clone(), connection.clone());
        Ok(connection)
    }

    /// The answer within the time limit, or why there is none.
    pub(super) async fn answer<T>(
        &self,
        answer: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, String> {
        match tokio::time::timeout(self.limit, answer).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("no answer within store.topology_timeout_ms".to_owned()),
        }
    }

    /// The sentence about a server that gave no answer; its connection is not used again.
    pub(super) fn fault(&self, server: &Address, why: &str) -> String {
        self.open().remove(server);
        format!("{server}: {why}")
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Address, MultiplexedConnection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text that a value is.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        _ => None,
    }
}

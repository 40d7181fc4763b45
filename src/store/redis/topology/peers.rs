//! Connections to nodes and sentinels, kept between two questions. Each step has a time limit.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, RedisError, RedisResult, Value,
};

use super::fault::PeerFault;
use super::map::NoMap;
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
    ) -> Result<MultiplexedConnection, PeerFault> {
        if let Some(connection) = self.open().get(to) {
            return Ok(connection.clone());
        }
        let info = info();
        let speaks_tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.limit))
            .set_response_timeout(Some(self.limit));
        let fault = |error: RedisError| PeerFault::of(&error, speaks_tls);
        let client = Client::open(info).map_err(fault)?;
        let connecting = client.get_multiplexed_async_connection_with_config(&limits);
        let connection = match tokio::time::timeout(self.limit, connecting).await {
            Ok(connection) => connection.map_err(fault)?,
            // A server without TLS waits for the end of a line that never comes.
            Err(_) if speaks_tls => return Err(silent().in_doubt_of_tls(speaks_tls)),
            Err(_) => return Err(silent()),
        };
        self.open().insert(to.clone(), connection.clone());
        Ok(connection)
    }

    /// The answer within the time limit, or why there is none.
    pub(super) async fn answer<T>(
        &self,
        answer: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, PeerFault> {
        match tokio::time::timeout(self.limit, answer).await {
            Ok(answer) => answer.map_err(|error| error.to_string().into()),
            Err(_) => Err(silent()),
        }
    }

    /// That these servers gave no answer. Their connections are not used again.
    pub(super) fn no_map(&self, faults: Vec<(&Address, PeerFault)>) -> NoMap {
        let remedy = faults.iter().find_map(|(_, fault)| fault.remedy);
        let sentences = faults.iter().map(|(server, fault)| {
            self.open().remove(server);
            format!("{server}: {}", fault.why)
        });
        let why = sentences.collect::<Vec<_>>().join("; ");
        match remedy {
            Some(remedy) => NoMap::Refused(remedy, why),
            None => NoMap::Unanswered(why),
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Address, MultiplexedConnection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn silent() -> PeerFault {
    "no answer within store.topology_timeout_ms"
        .to_owned()
        .into()
}

/// The text that a value is.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        _ => None,
    }
}

//! The pool of connections for commands. Each of its waits is bounded.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{ErrorKind, Pipeline, Value, cmd};
use deadpool_redis::{Connection, Hook, HookError, Manager, Pool, PoolError, Runtime};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::address::Address;
use super::endpoint::{Discovery, Endpoint, limits};
use super::failure::CommandFailure;
use crate::store::redis::commands;
use crate::store::redis::error::OpenError;
use crate::store::redis::options::Options;
use crate::store::redis::reply;
use crate::store::redis::scripts::SCRIPTS;
use crate::store::{Cause, Metrics, RedisErrorKind};

/// The pool of one server. A connection that failed never returns to it.
pub(super) struct Connections {
    endpoint: Arc<Endpoint>,
    address: Address,
    pool: RwLock<VersionedPool>,
    /// Connections are driven by tasks on the runtime that opened the store, whichever runtime
    /// calls.
    home: Handle,
    options: Options,
    metrics: Metrics,
}

/// The pool whose connections have this version of the password.
#[derive(Clone)]
struct VersionedPool {
    version: u64,
    pool: Pool,
}

/// The pool could not provide a connection.
#[derive(Debug, thiserror::Error)]
#[error("no connection to Redis: {0}")]
struct NoConnection(#[source] PoolError);

impl Connections {
    /// A pool that connects at its first use. Must be called inside the runtime that will drive it.
    pub(super) fn new(
        endpoint: &Arc<Endpoint>,
        address: Address,
        options: &Options,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, OpenError> {
        Ok(Arc::new(Self {
            pool: RwLock::new(VersionedPool::new(endpoint, &address, options)?),
            endpoint: Arc::clone(endpoint),
            address,
            home: Handle::current(),
            options: options.clone(),
            metrics: metrics.clone(),
        }))
    }

    /// A connection of the pool, checked by a round trip.
    pub(super) async fn take(&self) -> Result<Connection, CommandFailure> {
        let not_now = |why: &str| CommandFailure::NotNow(why.into());
        self.endpoint.check_clock().map_err(not_now)?;
        let pool = self.pool()?;
        // One limit around everything: after a freeze every idle connection of the pool fails its
        // own check first.
        let why = match timeout(self.options.pool_wait, pool.get()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => {
                if is_unauthenticated(&error) {
                    self.endpoint.credentials.reload();
                }
                Cause::of(NoConnection(error))
            }
            Err(_) => "no connection to Redis within the time limit".into(),
        };
        self.metrics
            .redis_errors
            .at(RedisErrorKind::Connection)
            .inc();
        Err(CommandFailure::NotNow(why))
    }

    /// The pool, made again if the password has changed.
    fn pool(&self) -> Result<Pool, CommandFailure> {
        let current = self.current();
        if current.version == self.endpoint.credentials.version() {
            return Ok(current.pool);
        }
        let fresh = VersionedPool::new(&self.endpoint, &self.address, &self.options)
            .map_err(|error| CommandFailure::NotNow(Cause::of(error)))?;
        let mut pool = self.pool.write().unwrap_or_else(PoisonError::into_inner);
        pool.pool.close();
        *pool = fresh.clone();
        Ok(fresh.pool)
    }

    fn current(&self) -> VersionedPool {
        let pool = self.pool.read().unwrap_or_else(PoisonError::into_inner);
        pool.clone()
    }

    /// Drops all idle connections, so that the next ones are new.
    pub(super) fn renew(&self) {
        self.current().pool.retain(|_, _| false);
    }

    /// Whether a caller waits for a connection of the pool.
    pub(super) fn are_wanted(&self) -> bool {
        self.current().pool.status().waiting > 0
    }

    /// Sends a pipeline; each command has its own outcome. Loads the scripts again if the server
    /// forgot them. Returns the connection with the answers if it can be used again.
    pub(super) async fn exchange(
        &self,
        mut connection: Connection,
        pipeline: &mut Pipeline,
    ) -> Result<(Vec<Result<Value, CommandFailure>>, Option<Connection>), CommandFailure> {
        let sent = Instant::now();
        let answers = pipeline
            .ignore_errors()
            .query_async::<Vec<Value>>(&mut connection)
            .await;
        self.count(pipeline, sent.elapsed());
        let answers: Vec<_> = match answers {
            Ok(answers) => answers.into_iter().map(outcome).collect(),
            Err(error) => {
                drop(Connection::take(connection));
                self.metrics
                    .redis_errors
                    .at(RedisErrorKind::Lost)
                    .inc_by(pipeline.len() as u64);
                return Err(CommandFailure::Lost(Cause::of(error)));
            }
        };
        let failures = || answers.iter().filter_map(|answer| answer.as_ref().err());
        for failure in failures() {
            self.metrics.redis_errors.at(failure.kind()).inc();
        }
        let forgot = failures().any(|failure| matches!(failure, CommandFailure::NoScript));
        let usable = !failures().any(CommandFailure::spoils_connection)
            && (!forgot || SCRIPTS.load().exec_async(&mut connection).await.is_ok());
        if usable {
            return Ok((answers, Some(connection)));
        }
        drop(Connection::take(connection));
        Ok((answers, None))
    }

    fn count(&self, pipeline: &Pipeline, duration: Duration) {
        for command in pipeline.cmd_iter() {
            self.metrics
                .redis_command_duration_seconds
                .at(commands::kind(command))
                .observe(duration);
        }
    }

    /// Takes a connection, sends a pipeline and gives the connection back, all on the home runtime.
    pub(super) async fn run(
        self: &Arc<Self>,
        mut pipeline: Pipeline,
    ) -> Result<Vec<Result<Value, CommandFailure>>, CommandFailure> {
        let this = Arc::clone(self);
        let task = self.home.spawn(async move {
            let connection = this.take().await?;
            this.exchange(connection, &mut pipeline)
                .await
                .map(|(answers, _)| answers)
        });
        task.await
            .unwrap_or_else(|_| Err(CommandFailure::shutting_down()))
    }
}

impl VersionedPool {
    fn new(
        endpoint: &Arc<Endpoint>,
        address: &Address,
        options: &Options,
    ) -> Result<Self, OpenError> {
        let version = endpoint.credentials.version();
        let manager = Manager::new_with_config(endpoint.server(address), limits(options))
            .map_err(OpenError::pool)?;
        // A sentinel may name a server that has become a replica, whose answers are old.
        let asks_role = matches!(endpoint.discovery, Discovery::Sentinel(_));
        let prepare = Hook::async_fn(move |connection: &mut MultiplexedConnection, _| {
            Box::pin(async move {
                if asks_role && is_replica(connection).await.map_err(HookError::Backend)? {
                    return Err(HookError::message("the server is a replica"));
                }
                let loaded = SCRIPTS.load().exec_async(connection).await;
                loaded.map_err(HookError::Backend)
            })
        });
        let pool = Pool::builder(manager)
            .max_size(options.pool_size.get())
            .wait_timeout(Some(options.pool_wait))
            .create_timeout(Some(options.connect_timeout))
            .recycle_timeout(Some(options.answer_limit()))
            .runtime(Runtime::Tokio1)
            .post_create(prepare)
            .build()
            .map_err(OpenError::pool)?;
        Ok(Self { version, pool })
    }
}

async fn is_replica(connection: &mut MultiplexedConnection) -> ::redis::RedisResult<bool> {
    let mut info = cmd("INFO");
    info.arg("replication");
    Ok(reply::is_replica(&info.query_async(connection).await?))
}

/// Whether the server refused the password.
fn is_unauthenticated(error: &PoolError) -> bool {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            error.kind() == ErrorKind::AuthenticationFailed
                || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
        }
        _ => false,
    }
}

fn outcome(answer: Value) -> Result<Value, CommandFailure> {
    match answer {
        Value::ServerError(error) => Err(CommandFailure::answered(error)),
        answer => Ok(answer),
    }
}

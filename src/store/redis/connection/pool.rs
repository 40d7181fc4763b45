//! The pool of connections for commands. Each of its waits is bounded.

use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{ConnectionInfo, Pipeline, Value};
use deadpool_redis::{Connection, Hook, HookError, Manager, Pool, Runtime};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::address::{check_clock, limits};
use super::failure::CommandFailure;
use crate::store::redis::commands;
use crate::store::redis::error::OpenError;
use crate::store::redis::options::Options;
use crate::store::redis::scripts::SCRIPTS;
use crate::store::{Cause, Metrics, RedisErrorKind};

/// The pool. A connection that failed never returns to it.
pub(super) struct Connections {
    pool: Pool,
    /// Connections are driven by tasks on the runtime that opened the store, whichever runtime
    /// calls.
    home: Handle,
    options: Options,
    metrics: Metrics,
}

/// The pool could not provide a connection.
#[derive(Debug, thiserror::Error)]
#[error("no connection to Redis: {0}")]
struct NoConnection(#[source] deadpool_redis::PoolError);

impl Connections {
    /// A pool that connects at its first use. Must be called inside the runtime that will drive it.
    pub(super) fn new(
        info: ConnectionInfo,
        options: &Options,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, OpenError> {
        let manager = Manager::new_with_config(info, limits(options)).map_err(OpenError::pool)?;
        let load = Hook::async_fn(|connection: &mut MultiplexedConnection, _| {
            Box::pin(async move {
                SCRIPTS
                    .load()
                    .exec_async(connection)
                    .await
                    .map_err(HookError::Backend)
            })
        });
        let pool = Pool::builder(manager)
            .max_size(options.pool_size.get())
            .wait_timeout(Some(options.pool_wait))
            .create_timeout(Some(options.connect_timeout))
            .recycle_timeout(Some(options.command_timeout))
            .runtime(Runtime::Tokio1)
            .post_create(load)
            .build()
            .map_err(OpenError::pool)?;
        Ok(Arc::new(Self {
            pool,
            home: Handle::current(),
            options: options.clone(),
            metrics: metrics.clone(),
        }))
    }

    /// A connection of the pool, checked by a round trip.
    pub(super) async fn take(&self) -> Result<Connection, CommandFailure> {
        check_clock(&self.options).map_err(|why| CommandFailure::NotNow(why.into()))?;
        // One limit around everything: after a freeze every idle connection of the pool fails its
        // own check first.
        let why = match timeout(self.options.pool_wait, self.pool.get()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => Cause::of(NoConnection(error)),
            Err(_) => "no connection to Redis within the time limit".into(),
        };
        self.metrics
            .redis_errors
            .at(RedisErrorKind::Connection)
            .inc();
        Err(CommandFailure::NotNow(why))
    }

    /// Drops all idle connections, so that the next ones are new.
    pub(super) fn renew(&self) {
        self.pool.retain(|_, _| false);
    }

    /// Whether a caller waits for a connection of the pool.
    pub(super) fn are_wanted(&self) -> bool {
        self.pool.status().waiting > 0
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

fn outcome(answer: Value) -> Result<Value, CommandFailure> {
    match answer {
        Value::ServerError(error) => Err(CommandFailure::answered(error)),
        answer => Ok(answer),
    }
}

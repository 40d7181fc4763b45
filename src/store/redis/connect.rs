//! Connections for commands: from the url to a pool whose every wait is bounded.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::redis::aio::MultiplexedConnection;
use ::redis::io::tcp::TcpSettings;
use ::redis::io::tcp::socket2::TcpKeepalive;
use ::redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, Pipeline, ProtocolVersion,
    Value,
};
use deadpool_redis::{Connection, Hook, HookError, Manager, Pool, Runtime};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::failure::Failure;
use super::options::{Options, redacted};
use super::scripts::SCRIPTS;
use super::{OpenError, commands};
use crate::telemetry::{Metrics, RedisErrorLabel};

/// Silence after which the kernel asks whether the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long the kernel waits for sent bytes to be acknowledged.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the url; the socket options are the same for commands and subscriptions.
pub(super) fn connection_info(options: &Options) -> Result<ConnectionInfo, OpenError> {
    // rediss:// needs a crypto provider; whoever installed one before us was right too.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let shown = redacted(&options.url);
    let fatal = |why: &str| OpenError::Fatal(format!("store.url cannot be used ({shown}): {why}"));
    let url = url::Url::parse(&options.url).map_err(|error| fatal(&error.to_string()))?;
    if !matches!(url.scheme(), "redis" | "rediss") {
        return Err(fatal("it must begin with redis:// or rediss://"));
    }
    if url.fragment().is_some() {
        return Err(fatal(
            "it must not have a fragment (#); certificates are always verified",
        ));
    }
    let info = url
        .as_str()
        .into_connection_info()
        .map_err(|error| fatal(&error.to_string()))?;
    if info.redis_settings().db() < 0 {
        return Err(fatal("the database must be a number from 0"));
    }
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(TcpKeepalive::new().with_time(KEEPALIVE));
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(USER_TIMEOUT);
    let settings = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP2);
    Ok(info.set_tcp_settings(tcp).set_redis_settings(settings))
}

/// A client for these connections; opens none yet.
pub(super) fn client(info: ConnectionInfo) -> Result<Client, OpenError> {
    Client::open(info)
        .map_err(|error| OpenError::Fatal(format!("store.url cannot be used: {error}")))
}

/// Whether a connection may be made at this time: certificates cannot be judged by a clock that
/// stands before 1970, and the TLS library panics there.
pub(super) fn check_clock(options: &Options) -> Result<(), &'static str> {
    if options.url.starts_with("rediss:") && SystemTime::now() < UNIX_EPOCH {
        return Err(
            "this machine's clock stands before 1970, so no certificate can be judged: set the \
             clock",
        );
    }
    Ok(())
}

/// Time limits of a connection for commands.
pub(super) fn limits(options: &Options) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(options.connect_timeout))
        .set_response_timeout(Some(options.command_timeout))
}

/// The pool, and the rule that a connection which failed never returns to it.
pub(super) struct Connections {
    pool: Pool,
    /// Connections are driven by tasks; they all live on the runtime that opened the store, whoever
    /// calls.
    home: Handle,
    options: Options,
    metrics: Metrics,
}

impl Connections {
    /// A pool that connects when it is first asked. Must be called inside the runtime that will
    /// drive it.
    pub(super) fn new(
        info: ConnectionInfo,
        options: &Options,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, OpenError> {
        let fatal =
            |error: String| OpenError::Fatal(format!("no connections can be made: {error}"));
        let manager = Manager::new_with_config(info, limits(options))
            .map_err(|error| fatal(error.to_string()))?;
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
            .map_err(|error| fatal(error.to_string()))?;
        Ok(Arc::new(Self {
            pool,
            home: Handle::current(),
            options: options.clone(),
            metrics: metrics.clone(),
        }))
    }

    /// A connection of the pool, checked by a round trip.
    pub(super) async fn take(&self) -> Result<Connection, Failure> {
        check_clock(&self.options).map_err(|why| Failure::NotNow(why.to_owned()))?;
        // One limit around all: after a freeze every idle connection of the pool fails its own
        // check first.
        let why = match tokio::time::timeout(self.options.pool_wait, self.pool.get()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => format!("no connection to Redis: {error}"),
            Err(_) => "no connection to Redis within the time limit".to_owned(),
        };
        self.metrics
            .redis_errors
            .at(RedisErrorLabel::Connection)
            .inc();
        Err(Failure::NotNow(why))
    }

    /// Lets go of all connections that are not in use: the next ones are made anew.
    pub(super) fn renew(&self) {
        self.pool.retain(|_, _| false);
    }

    /// Whether somebody waits for a connection of the pool.
    pub(super) fn are_wanted(&self) -> bool {
        self.pool.status().waiting > 0
    }

    /// Sends a pipeline; each command has its own outcome. Loads the scripts again where the server
    /// forgot them. The connection comes back with the answers if it can be used again.
    pub(super) async fn exchange(
        &self,
        mut connection: Connection,
        pipeline: &mut Pipeline,
    ) -> Result<(Vec<Result<Value, Failure>>, Option<Connection>), Failure> {
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
                    .at(RedisErrorLabel::Lost)
                    .inc_by(pipeline.len() as u64);
                return Err(Failure::Lost(error.to_string()));
            }
        };
        let failures = || answers.iter().filter_map(|answer| answer.as_ref().err());
        for failure in failures() {
            self.metrics.redis_errors.at(failure.label()).inc();
        }
        let forgot = failures().any(|failure| *failure == Failure::NoScript);
        let usable = !failures().any(Failure::spoils_connection)
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
                .at(commands::label(command))
                .observe(duration);
        }
    }

    /// Takes a connection, sends a pipeline and gives the connection back, all on the home runtime.
    pub(super) async fn run(
        self: &Arc<Self>,
        mut pipeline: Pipeline,
    ) -> Result<Vec<Result<Value, Failure>>, Failure> {
        let this = Arc::clone(self);
        let task = self.home.spawn(async move {
            let connection = this.take().await?;
            this.exchange(connection, &mut pipeline)
                .await
                .map(|(answers, _)| answers)
        });
        task.await
            .unwrap_or_else(|_| Err(Failure::NotNow("the runtime is shutting down".to_owned())))
    }
}

fn outcome(answer: Value) -> Result<Value, Failure> {
    match answer {
        Value::ServerError(error) => Err(Failure::from_answer(&error)),
        answer => Ok(answer),
    }
}

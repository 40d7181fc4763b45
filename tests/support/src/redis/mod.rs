//! A `redis-server` with a free port on 127.0.0.1 and its own folder, killed when it is dropped.
//! `TEST_REDIS_SERVER=/path/to/valkey-server` names another program in its place.
//!
//! ```ignore
//! let mut server = RedisServer::start(&["--appendonly", "yes"]).await;
//! let url = server.url();                     // redis://127.0.0.1:PORT
//! server.command::<()>(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
//! server.freeze();                            // SIGSTOP: the server does not answer
//! server.thaw();
//! server.kill9();
//! server.restart().await;                     // same port, same folder
//! ```

mod launch;
pub mod log;
mod member;
mod replication;
mod turn;

use std::path::Path;
use std::process::Child;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisResult};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::authority::TlsFiles;
use crate::port::free_port;
use crate::wait::{DEADLINE, eventually};

pub(crate) use self::launch::Launch;
pub(crate) use self::member::Member;
pub(crate) use self::replication::Replication;
pub use self::turn::allow_groups;
pub(crate) use self::turn::{Turn, turn};

/// The limit of one answer.
const ANSWER: Duration = Duration::from_secs(5);

/// A server process and its folder.
pub struct RedisServer {
    folder: TempDir,
    port: u16,
    launch: Launch,
    process: Child,
}

impl RedisServer {
    /// Starts a server with these additional command line options, and waits until it answers. By
    /// default the server keeps nothing on disk.
    pub async fn start(options: &[&str]) -> Self {
        Self::launch(|| Launch::with_options(options.iter().copied())).await
    }

    /// Starts a server with a second port, for TLS.
    pub async fn start_behind_tls(files: &TlsFiles) -> Self {
        Self::launch(|| Launch::default().behind_tls(Some(files))).await
    }

    /// Starts a server with the settings that each attempt makes anew: other ports in them may be
    /// taken too.
    pub(crate) async fn launch(settings: impl Fn() -> Launch) -> Self {
        // Another process may take the port before the server binds it. Then the server ends, and
        // the next attempt uses another port.
        for _ in 0..10 {
            let folder = tempfile::tempdir().expect("a folder");
            let port = free_port();
            let launch = settings();
            let process = launch.spawn(folder.path(), port);
            let mut server = Self {
                folder,
                port,
                launch,
                process,
            };
            if server.answers().await {
                return server;
            }
        }
        panic!(
            "{} does not start with {:?}",
            launch::program().display(),
            settings()
        )
    }

    /// Starts a replica of this server, and waits until it has caught up once.
    pub async fn start_replica(&self) -> Self {
        let replica = Self::start(&["--replicaof", &format!("127.0.0.1 {}", self.port)]).await;
        eventually("the replica has caught up", async || {
            let replication = replica.replication().await;
            replication.is_ok_and(|replication| replication.has_caught_up())
        })
        .await;
        replica
    }

    /// `redis://127.0.0.1:PORT`, with the password of `--requirepass`.
    pub fn url(&self) -> String {
        match &self.launch.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{}", self.port),
            None => format!("redis://127.0.0.1:{}", self.port),
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port that others are told of: that for TLS, if there is one.
    pub fn announced_port(&self) -> u16 {
        self.launch.tls_port.unwrap_or(self.port)
    }

    /// The password of the default user.
    pub fn password(&self) -> Option<&str> {
        self.launch.password.as_deref()
    }

    /// The folder of the server: the append-only files are in `appendonlydir`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Opens a connection to database 0.
    pub async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        self.connect_within(ANSWER).await
    }

    /// Opens a connection whose answers may take this long.
    pub(crate) async fn connect_within(
        &self,
        answer: Duration,
    ) -> RedisResult<MultiplexedConnection> {
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(answer));
        Client::open(self.url())?
            .get_multiplexed_async_connection_with_config(&limits)
            .await
    }

    /// Runs one command on a new connection, in database 0; panics if it fails.
    pub async fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.attempt(words).await.expect("an answer")
    }

    /// Runs one command that the server may refuse.
    pub async fn attempt<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        let mut connection = self.connect().await?;
        let mut command = ::redis::cmd(words[0]);
        command.arg(&words[1..]).query_async(&mut connection).await
    }

    pub(crate) async fn replication(&self) -> RedisResult<Replication> {
        let info: String = self.attempt(&["INFO", "replication"]).await?;
        Ok(Replication::parse(&info))
    }

    /// Kills the server with SIGKILL.
    pub fn kill9(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
    }

    /// Starts the server again after [`RedisServer::kill9`], on the same port and folder.
    pub async fn restart(&mut self) {
        self.process = self.launch.spawn(self.folder.path(), self.port);
        assert!(self.answers().await, "the server does not start again");
    }

    /// Suspends the server: connections stay open, and the server answers nothing.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Resumes the server after [`RedisServer::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("the process is there");
    }

    /// Waits until the server answers. False if it ends, or does not answer in time.
    async fn answers(&mut self) -> bool {
        let answered = async {
            loop {
                if self.process.try_wait().expect("its state").is_some() {
                    return false;
                }
                if let Ok(mut connection) = self.connect().await
                    && ::redis::cmd("PING")
                        .exec_async(&mut connection)
                        .await
                        .is_ok()
                    && self.is_our_process(&mut connection).await
                {
                    return true;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(DEADLINE, answered)
            .await
            .unwrap_or(false)
    }
}

impl RedisServer {
    /// Whether our process answers on this connection. Another process may have the port while ours
    /// is about to end.
    async fn is_our_process(&self, connection: &mut MultiplexedConnection) -> bool {
        let info: RedisResult<String> = ::redis::cmd("INFO")
            .arg("server")
            .query_async(connection)
            .await;
        let ours = format!("process_id:{}", self.process.id());
        info.is_ok_and(|info| info.lines().any(|line| line == ours))
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // A test may have killed the server already.
        if let Ok(None) = self.process.try_wait() {
            let _ = kill_process(Pid::from_child(&self.process), Signal::CONT);
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

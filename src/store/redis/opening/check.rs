//! The checks of a start: whether a Redis server has the right version and settings, and whether
//! the user has the permissions.
//!
//! The handshake is made command by command, because a wrong password must end the start, and a
//! full or loading server must not. What a server does not tell is no reason to refuse it: services
//! hide fields of INFO, and CONFIG.

use ::redis::aio::MultiplexedConnection;
use ::redis::{ConnectionInfo, FromRedisValue, RedisConnectionInfo, RedisResult, cmd};

use crate::domain::Partition;
use crate::store::redis::commands::{KeyNames, Publication};
use crate::store::redis::connection::{Address, Discovery, Endpoint, client, limits};
use crate::store::redis::error::OpenError;
use crate::store::redis::options::Options;
use crate::store::redis::scripts::SCRIPTS;
use crate::store::redis::url::redacted;

/// Checks the prefix: braces would move the hash tag, and a blank would split a pattern of an ACL.
pub(super) fn check_prefix(prefix: &str) -> Result<(), OpenError> {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if (1..=64).contains(&prefix.len()) && prefix.chars().all(sound) {
        return Ok(());
    }
    Err(OpenError::fatal(format!(
        "store.prefix must be 1 to 64 letters, digits or any of - _ . : and is {prefix:?} instead"
    )))
}

/// Connects and signs in.
pub(super) async fn connect(
    options: &Options,
    endpoint: &Endpoint,
    address: &Address,
) -> Result<MultiplexedConnection, OpenError> {
    endpoint.check_clock().map_err(OpenError::unreachable)?;
    let info = endpoint.server(address);
    let anonymous = RedisConnectionInfo::default()
        .set_protocol(info.redis_settings().protocol())
        .set_skip_set_lib_name();
    let client = client(info.clone().set_redis_settings(anonymous), options)?;
    let connected = client
        .get_multiplexed_async_connection_with_config(&limits(options))
        .await;
    let mut connection = connected.map_err(|error| OpenError::at("connecting", options, error))?;
    sign_in(options, &info, &mut connection).await?;
    Ok(connection)
}

async fn sign_in(
    options: &Options,
    info: &ConnectionInfo,
    connection: &mut MultiplexedConnection,
) -> Result<(), OpenError> {
    let settings = info.redis_settings();
    if let Some(password) = settings.password() {
        let mut auth = cmd("AUTH");
        auth.arg(settings.username()).arg(password);
        if let Err(error) = auth.exec_async(connection).await {
            return Err(OpenError::at(
                "signing in (check user and password in store.url)",
                options,
                error,
            ));
        }
    }
    if settings.db() != 0 {
        let select = cmd("SELECT")
            .arg(settings.db())
            .exec_async(connection)
            .await;
        select.map_err(|error| {
            OpenError::at("selecting the database of store.url", options, error)
        })?;
    }
    Ok(())
}

/// What is worth a warning, of all servers together.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// The policy by which a server may evict keys that expire.
    eviction: Option<String>,
    /// Some master has just as many replicas as have to confirm each write.
    has_no_spare_replica: bool,
}

impl Doubts {
    /// Logs each once.
    pub(super) fn tell(&self) {
        if let Some(policy) = &self.eviction {
            tracing::warn!(
                policy,
                "records of Idempotency-Keys may be evicted: a repeated request may then run twice"
            );
        }
        if self.has_no_spare_replica {
            tracing::warn!(
                "store.durability asks all replicas of a master: after a failover none is left to \
                 confirm writes"
            );
        }
    }
}

/// Checks version and mode of a server.
pub(super) async fn check_kind(
    options: &Options,
    discovery: &Discovery,
    connection: &mut MultiplexedConnection,
) -> Result<(), OpenError> {
    let info = info(options, "server", connection).await?;
    check_version(options, &info)?;
    check_mode(options, discovery, &info)
}

async fn info(
    options: &Options,
    section: &str,
    connection: &mut MultiplexedConnection,
) -> Result<String, OpenError> {
    let mut question = cmd("INFO");
    question.arg(section);
    ask(options, "asking for INFO", &question, connection).await
}

/// Checks version, mode, eviction policy and replicas of a master, and whether it takes scripts.
pub(super) async fn check_master(
    options: &Options,
    discovery: &Discovery,
    connection: &mut MultiplexedConnection,
    doubts: &mut Doubts,
) -> Result<(), OpenError> {
    check_kind(options, discovery, connection).await?;
    let memory = info(options, "memory", connection).await?;
    check_eviction(options, &memory, doubts)?;
    let replication = info(options, "replication", connection).await?;
    check_replicas(options, &replication, doubts)?;
    // One alone: the refusal of a pipeline names each command.
    let mut load = cmd("SCRIPT");
    load.arg("LOAD").arg("return 1");
    ask(options, "loading a script", &load, connection).await
}

fn check_version(options: &Options, info: &str) -> Result<(), OpenError> {
    let Some(version) = field(info, "redis_version") else {
        return Ok(());
    };
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major < 7) {
        return Err(OpenError::fatal(format!(
            "Redis at {} has version {version}; 7.0 or newer is needed (scripts with flags)",
            redacted(&options.url)
        )));
    }
    Ok(())
}

fn check_mode(options: &Options, discovery: &Discovery, info: &str) -> Result<(), OpenError> {
    let shown = redacted(&options.url);
    // Valkey has its own name for the field.
    let mode = field(info, "redis_mode").or_else(|| field(info, "server_mode"));
    match (mode, discovery) {
        (Some("cluster"), Discovery::Named | Discovery::Sentinel(_)) => {
            Err(OpenError::fatal(format!(
                "Redis at {shown} is a node of a cluster: write redis-cluster:// (with TLS \
                 rediss-cluster://) and some of its nodes into store.url"
            )))
        }
        (Some("standalone"), Discovery::Cluster) => Err(not_a_cluster(options)),
        (Some("sentinel"), _) => Err(OpenError::fatal(format!(
            "at {shown} is a sentinel and no server with people: write \
             redis-sentinel://HOST:PORT/MASTER into store.url"
        ))),
        _ => Ok(()),
    }
}

/// The servers of a url with a cluster are none of one.
pub(super) fn not_a_cluster(options: &Options) -> OpenError {
    OpenError::fatal(format!(
        "Redis at {} is no node of a cluster: write redis:// (with TLS rediss://) into store.url",
        redacted(&options.url)
    ))
}

fn check_eviction(options: &Options, info: &str, doubts: &mut Doubts) -> Result<(), OpenError> {
    let shown = redacted(&options.url);
    match field(info, "maxmemory_policy") {
        None | Some("noeviction") => Ok(()),
        Some(policy) if policy.starts_with("volatile-") && options.volatile_eviction => {
            doubts.eviction = Some(policy.to_owned());
            Ok(())
        }
        Some(policy) if policy.starts_with("volatile-") => Err(OpenError::fatal(format!(
            "Redis at {shown} has maxmemory-policy {policy}, which may drop records of \
             Idempotency-Keys: set it to noeviction, or store.eviction to volatile-ok where a \
             repeated request may run twice"
        ))),
        Some(policy) => Err(OpenError::fatal(format!(
            "Redis at {shown} has maxmemory-policy {policy}, which may silently drop people: set \
             it to noeviction"
        ))),
    }
}

fn check_replicas(options: &Options, info: &str, doubts: &mut Doubts) -> Result<(), OpenError> {
    let Some(durability) = options.durability else {
        return Ok(());
    };
    let connected = field(info, "connected_slaves").and_then(|count| count.parse::<u32>().ok());
    let (wanted, shown) = (durability.replicas.get(), redacted(&options.url));
    match connected {
        Some(connected) if connected < wanted => Err(OpenError::fatal(format!(
            "store.durability is replicas:{wanted}, and a master at {shown} has {connected} \
             connected replicas: no write would ever be answered; add replicas, or set \
             store.durability to master"
        ))),
        Some(connected) if connected == wanted => {
            doubts.has_no_spare_replica = true;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Warns of settings under which a failover takes long, stops everything, or loses writes.
pub(super) async fn warn_of_settings(
    options: &Options,
    discovery: &Discovery,
    connection: &mut MultiplexedConnection,
) {
    let mut config = async |name: &str| -> Option<String> {
        let mut question = cmd("CONFIG");
        question.arg("GET").arg(name);
        let answer: RedisResult<Vec<String>> = question.query_async(connection).await;
        answer.ok()?.into_iter().nth(1)
    };
    match discovery {
        Discovery::Named => {}
        Discovery::Sentinel(_) => match config("min-replicas-to-write").await.as_deref() {
            Some("0") => tracing::warn!(
                "min-replicas-to-write is 0: a master that is cut off from its sentinels goes on \
                 writing what is lost later; set it to 1, with two replicas or more"
            ),
            None => not_told("min-replicas-to-write"),
            Some(_) => {}
        },
        Discovery::Cluster => {
            match config("cluster-require-full-coverage").await.as_deref() {
                Some("yes") => tracing::warn!(
                    "cluster-require-full-coverage is yes: while one master is lost, no partition \
                     is served; set it to no"
                ),
                None => not_told("cluster-require-full-coverage"),
                Some(_) => {}
            }
            let Some(node_timeout) = config("cluster-node-timeout").await else {
                return not_told("cluster-node-timeout");
            };
            let node_timeout = node_timeout.parse::<u128>().unwrap_or(0);
            let retry_limit = options.retry_limit.as_millis();
            if node_timeout > retry_limit.saturating_sub(4000) {
                tracing::warn!(
                    node_timeout,
                    retry_limit,
                    "cluster-node-timeout is longer than store.retry_limit_ms less 4 s: writes \
                     will fail during a failover; raise store.retry_limit_ms"
                );
            }
        }
    }
}

fn not_told(setting: &'static str) {
    tracing::warn!(
        setting,
        "the server does not tell this setting: check it yourself"
    );
}

/// Checks that the user may run all that the scripts do with the keys of a partition; without one,
/// with the directory of the layout.
pub(super) async fn check_permissions(
    options: &Options,
    keys: &KeyNames,
    partition: Option<Partition>,
    connection: &mut MultiplexedConnection,
) -> Result<(), OpenError> {
    let partition = partition.map(|partition| keys.of(partition));
    let names = match partition {
        None => vec![&*keys.directory],
        Some(keys) => vec![
            &*keys.layout,
            &keys.meta,
            &keys.log,
            &keys.people,
            keys.any_idempotency(),
            &keys.ids,
        ],
    };
    let question = SCRIPTS.permissions.call_by_text(&names);
    let refused: Vec<String> =
        ask(options, "asking for permissions", &question, connection).await?;
    if refused.is_empty() {
        return Ok(());
    }
    Err(OpenError::fatal(format!(
        "the user of store.url ({}) may not run {} on the keys of the prefix {:?}: see \
         migrations/README.md for what it needs",
        redacted(&options.url),
        refused.join(", "),
        options.prefix
    )))
}

/// Checks that the server knows the command that publishes, where it is not known everywhere.
pub(super) async fn check_publication(
    options: &Options,
    keys: &KeyNames,
    partition: Partition,
    connection: &mut MultiplexedConnection,
) -> Result<(), OpenError> {
    if keys.pubsub == Publication::Classic {
        return Ok(());
    }
    let mut publish = cmd(keys.pubsub.publish());
    publish.arg(keys.probe(partition)).arg("");
    match publish.query_async::<i64>(connection).await {
        Err(error) if error.to_string().contains("unknown command") => {
            Err(OpenError::fatal(format!(
                "Redis at {} does not know SPUBLISH: set store.pubsub to classic",
                redacted(&options.url)
            )))
        }
        Err(error) => Err(OpenError::at("publishing", options, error)),
        Ok(_) => Ok(()),
    }
}

/// Runs one command of the start; `step` names it in errors.
pub(super) async fn ask<T: FromRedisValue>(
    options: &Options,
    step: &str,
    command: &::redis::Cmd,
    connection: &mut MultiplexedConnection,
) -> Result<T, OpenError> {
    command
        .query_async(connection)
        .await
        .map_err(|error| OpenError::at(step, options, error))
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

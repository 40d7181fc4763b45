//! The checks of a start: whether this Redis has the right version and settings, and whether the
//! user has the permissions.
//!
//! The handshake is made command by command, because a wrong password must end the start, and a
//! full or loading server must not.

use ::redis::aio::MultiplexedConnection;
use ::redis::{ConnectionInfo, FromRedisValue, RedisConnectionInfo, cmd};

use super::address::{check_clock, client, connection_info, limits};
use crate::domain::Partition;
use crate::store::redis::commands::KeyNames;
use crate::store::redis::error::OpenError;
use crate::store::redis::options::{Options, redacted};
use crate::store::redis::scripts::SCRIPTS;

/// A connection to a checked server, and the names of the keys in it.
pub(in crate::store::redis) struct CheckedConnection {
    pub(in crate::store::redis) info: ConnectionInfo,
    pub(in crate::store::redis) connection: MultiplexedConnection,
    pub(in crate::store::redis) keys: KeyNames,
}

/// Connects, signs in, and checks the server. `probe` tells this store object from all others.
pub(in crate::store::redis) async fn check(
    options: &Options,
    probe: u64,
) -> Result<CheckedConnection, OpenError> {
    check_prefix(&options.prefix)?;
    let info = connection_info(options)?;
    let mut connection = connect(options, &info).await?;
    sign_in(options, &info, &mut connection).await?;
    let keys = KeyNames::new(
        &options.prefix,
        info.redis_settings().db(),
        options.partitions,
        probe,
    );
    check_server(options, &mut connection).await?;
    check_permissions(options, &keys, &mut connection).await?;
    Ok(CheckedConnection {
        info,
        connection,
        keys,
    })
}

/// Checks the prefix: braces would move the hash tag, and a blank would split a pattern of an ACL.
fn check_prefix(prefix: &str) -> Result<(), OpenError> {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if (1..=64).contains(&prefix.len()) && prefix.chars().all(sound) {
        return Ok(());
    }
    Err(OpenError::fatal(format!(
        "store.prefix must be 1 to 64 letters, digits or any of - _ . : and is {prefix:?} instead"
    )))
}

/// Connects without a user; `sign_in` follows.
async fn connect(
    options: &Options,
    info: &ConnectionInfo,
) -> Result<MultiplexedConnection, OpenError> {
    check_clock(options).map_err(OpenError::unreachable)?;
    let anonymous = RedisConnectionInfo::default()
        .set_protocol(info.redis_settings().protocol())
        .set_skip_set_lib_name();
    let client = client(info.clone().set_redis_settings(anonymous), options)?;
    let connected = client
        .get_multiplexed_async_connection_with_config(&limits(options))
        .await;
    connected.map_err(|error| OpenError::at("connecting", options, error))
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

/// Checks the version, the mode and the eviction policy.
async fn check_server(
    options: &Options,
    connection: &mut MultiplexedConnection,
) -> Result<(), OpenError> {
    let shown = redacted(&options.url);
    let server: String = ask(
        options,
        "INFO server",
        cmd("INFO").arg("server"),
        connection,
    )
    .await?;
    let memory: String = ask(
        options,
        "INFO memory",
        cmd("INFO").arg("memory"),
        connection,
    )
    .await?;
    let version = field(&server, "redis_version").unwrap_or("unknown");
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < 7) {
        return Err(OpenError::fatal(format!(
            "Redis at {shown} has version {version}; 7.0 or newer is needed (scripts with flags)"
        )));
    }
    if field(&server, "redis_mode") == Some("cluster") {
        return Err(OpenError::fatal(format!(
            "Redis at {shown} is a cluster, which is not served yet"
        )));
    }
    match field(&memory, "maxmemory_policy") {
        Some("noeviction") => Ok(()),
        policy => Err(OpenError::fatal(format!(
            "Redis at {shown} has maxmemory-policy {}, which may silently drop people: set it to \
             noeviction",
            policy.unwrap_or("unknown")
        ))),
    }
}

/// Checks that the user may run all that the scripts do.
async fn check_permissions(
    options: &Options,
    keys: &KeyNames,
    connection: &mut MultiplexedConnection,
) -> Result<(), OpenError> {
    let partition = keys.of(Partition::new(0));
    let record = partition.idempotency(None);
    let names = [
        &*keys.layout,
        &partition.meta,
        &partition.log,
        &partition.people,
        &record,
        &partition.ids,
    ];
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

/// Runs one command of the start; `step` names it in errors.
pub(in crate::store::redis) async fn ask<T: FromRedisValue>(
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

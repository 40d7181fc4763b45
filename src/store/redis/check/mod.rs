//! Before anything is served: is this a Redis that we may use, and will it keep what we give it?
//!
//! The handshake is done by hand, command by command, because a wrong password must end the start
//! and a full or loading server must not.

mod trust;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    ConnectionInfo, ErrorKind, FromRedisValue, RedisConnectionInfo, RedisError, ServerError, cmd,
};

use super::OpenError;
use super::connect::{check_clock, client, connection_info, limits};
use super::keys::Keys;
use super::options::{Options, redacted};
use super::scripts::SCRIPTS;
use crate::domain::Partition;
use trust::distrust;

/// A connection that was looked at, and the names that are used over it.
pub(super) struct Checked {
    pub(super) info: ConnectionInfo,
    pub(super) connection: MultiplexedConnection,
    pub(super) keys: Keys,
}

/// Connects, signs in, and looks at the server.
pub(super) async fn check(options: &Options, probe: u64) -> Result<Checked, OpenError> {
    check_prefix(&options.prefix)?;
    let info = connection_info(options)?;
    let mut connection = connect(options, &info).await?;
    sign_in(options, &info, &mut connection).await?;
    let keys = Keys::new(
        &options.prefix,
        info.redis_settings().db(),
        options.partitions,
        probe,
    );
    check_server(options, &mut connection).await?;
    check_permissions(options, &keys, &mut connection).await?;
    Ok(Checked {
        info,
        connection,
        keys,
    })
}

/// Braces would move the hash tag, and a blank would break an ACL's list of patterns.
fn check_prefix(prefix: &str) -> Result<(), OpenError> {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if (1..=64).contains(&prefix.len()) && prefix.chars().all(sound) {
        return Ok(());
    }
    Err(OpenError::Fatal(format!(
        "store.prefix must be 1 to 64 letters, digits or any of - _ . : and is {prefix:?} instead"
    )))
}

/// Connects as nobody: who we are is told in `sign_in`.
async fn connect(
    options: &Options,
    info: &ConnectionInfo,
) -> Result<MultiplexedConnection, OpenError> {
    check_clock(options).map_err(|why| OpenError::Unreachable(why.to_owned()))?;
    let nobody = RedisConnectionInfo::default()
        .set_protocol(info.redis_settings().protocol())
        .set_skip_set_lib_name();
    let client = client(info.clone().set_redis_settings(nobody))?;
    let connected = client
        .get_multiplexed_async_connection_with_config(&limits(options))
        .await;
    connected.map_err(|error| OpenError::of(options, "connecting", error))
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
            return Err(OpenError::of(
                options,
                "signing in (check user and password in store.url)",
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
            OpenError::of(options, "selecting the database of store.url", error)
        })?;
    }
    Ok(())
}

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
        return Err(OpenError::Fatal(format!(
            "Redis at {shown} has version {version}; 7.0 or newer is needed (scripts with flags)"
        )));
    }
    if field(&server, "redis_mode") == Some("cluster") {
        return Err(OpenError::Fatal(format!(
            "Redis at {shown} is a cluster, which is not served yet"
        )));
    }
    match field(&memory, "maxmemory_policy") {
        Some("noeviction") => Ok(()),
        policy => Err(OpenError::Fatal(format!(
            "Redis at {shown} has maxmemory-policy {}, which may silently drop people: set it to \
             noeviction",
            policy.unwrap_or("unknown")
        ))),
    }
}

async fn check_permissions(
    options: &Options,
    keys: &Keys,
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
    let refused: Vec<String> = ask(options, "asking what we may do", &question, connection).await?;
    if refused.is_empty() {
        return Ok(());
    }
    Err(OpenError::Fatal(format!(
        "the user of store.url ({}) may not run {} on the keys of the prefix {:?}: see \
         migrations/README.md for what it needs",
        redacted(&options.url),
        refused.join(", "),
        options.prefix
    )))
}

/// One command of the start.
pub(super) async fn ask<T: FromRedisValue>(
    options: &Options,
    doing: &str,
    command: &::redis::Cmd,
    connection: &mut MultiplexedConnection,
) -> Result<T, OpenError> {
    command
        .query_async(connection)
        .await
        .map_err(|error| OpenError::of(options, doing, error))
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

/// What an operator may have meant otherwise; empty where nothing suggests itself.
fn hint(url: &str, error: &RedisError) -> &'static str {
    let speaks_tls = url.starts_with("rediss:");
    match error.kind() {
        _ if error.code() == Some("NOAUTH") => {
            "; write user and password into store.url (redis://USER:PASSWORD@HOST), or into the \
             file of store.url_file"
        }
        // Redis without TLS waits for the end of a line that never comes, or answers what is no
        // record of TLS.
        _ if speaks_tls
            && (error.is_timeout() || error.to_string().contains("InvalidContentType")) =>
        {
            "; if this port does not speak TLS, write redis:// instead of rediss://"
        }
        // What a port with TLS answers to a command is an alert, before it hangs up; the reset may
        // overtake the alert.
        kind if !speaks_tls && (kind == ErrorKind::Parse || error.is_connection_dropped()) => {
            "; if this port speaks TLS, write rediss:// instead of redis://"
        }
        _ => "",
    }
}

impl OpenError {
    /// Sorts what the server answered during the start: what may pass by itself is waited for, the
    /// rest is an operator's.
    pub(super) fn of(options: &Options, doing: &str, error: RedisError) -> Self {
        let shown = redacted(&options.url);
        let hint = hint(&options.url, &error);
        let sentence = |error: String| format!("Redis at {shown}, {doing}: {error}{hint}");
        if let Some(why) = distrust(&error) {
            return Self::Fatal(sentence(why));
        }
        match ServerError::try_from(error) {
            Ok(answer) => {
                let sentence = sentence(answer.to_string());
                match answer.code() {
                    "LOADING" | "MASTERDOWN" | "BUSY" | "READONLY" | "TRYAGAIN" | "CLUSTERDOWN"
                    | "NOREPLICAS" | "OOM" | "MISCONF" => Self::Unreachable(sentence),
                    _ if sentence.contains("max number of clients") => Self::Unreachable(sentence),
                    "NOPERM" => Self::Fatal(format!(
                        "{sentence}; migrations/README.md says what the user needs"
                    )),
                    _ => Self::Fatal(sentence),
                }
            }
            Err(error) if matches!(error.kind(), ::redis::ErrorKind::InvalidClientConfig) => {
                Self::Fatal(sentence(error.to_string()))
            }
            Err(error) => Self::Unreachable(sentence(error.to_string())),
        }
    }
}

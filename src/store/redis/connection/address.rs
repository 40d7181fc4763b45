//! From the url to a client: what all connections have in common.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::redis::io::tcp::TcpSettings;
use ::redis::io::tcp::socket2::TcpKeepalive;
use ::redis::{AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

use crate::store::redis::error::OpenError;
use crate::store::redis::options::{Options, redacted};

/// Silence after which the kernel checks that the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long the kernel waits for sent bytes to be acknowledged.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the url. Commands and subscriptions have the same socket options.
pub(super) fn connection_info(options: &Options) -> Result<ConnectionInfo, OpenError> {
    // rediss:// needs a crypto provider. One that was installed before is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let unfit = |why: &str| {
        let shown = redacted(&options.url);
        OpenError::fatal(format!("store.url cannot be used ({shown}): {why}"))
    };
    let url = url::Url::parse(&options.url).map_err(|error| OpenError::url(error, &options.url))?;
    if !matches!(url.scheme(), "redis" | "rediss") {
        return Err(unfit("it must begin with redis:// or rediss://"));
    }
    if url.fragment().is_some() {
        return Err(unfit(
            "it must not have a fragment (#); certificates are always verified",
        ));
    }
    let info = url
        .as_str()
        .into_connection_info()
        .map_err(|error| OpenError::url(error, &options.url))?;
    if info.redis_settings().db() < 0 {
        return Err(unfit("the database must be a number from 0"));
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

/// A client for these connections. It opens none yet.
pub(in crate::store::redis) fn client(
    info: ConnectionInfo,
    options: &Options,
) -> Result<Client, OpenError> {
    Client::open(info).map_err(|error| OpenError::url(error, &options.url))
}

/// Whether the clock allows a connection: a clock before 1970 cannot judge certificates, and the
/// TLS library panics there.
pub(in crate::store::redis) fn check_clock(options: &Options) -> Result<(), &'static str> {
    if options.url.starts_with("rediss:") && SystemTime::now() < UNIX_EPOCH {
        return Err(
            "this machine's clock is before 1970, so no certificate can be judged: set the clock",
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

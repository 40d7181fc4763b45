//! The store's url: which servers it names, how they are found, and how each is connected to.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::redis::io::tcp::TcpSettings;
use ::redis::io::tcp::socket2::TcpKeepalive;
use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    ProtocolVersion, RedisConnectionInfo,
};

use super::address::Address;
use super::credentials::Credentials;
use crate::store::redis::error::OpenError;
use crate::store::redis::options::Options;
use crate::store::redis::url::{UrlParts, redacted};

/// Silence after which the kernel checks that the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long the kernel waits for sent bytes to be acknowledged.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// The servers of a deployment, as its url names them.
pub(in crate::store::redis) struct Endpoint {
    pub(in crate::store::redis) discovery: Discovery,
    /// The server, the sentinels, or the first nodes of a cluster.
    pub(in crate::store::redis) named: Vec<Address>,
    pub(in crate::store::redis) credentials: Credentials,
    /// What every connection to a server has in common.
    server: ConnectionInfo,
    /// What every connection to a sentinel has in common.
    sentinel: ConnectionInfo,
}

/// How the masters are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Discovery {
    /// The url names the one server.
    Named,
    /// Sentinels know the master with this name.
    Sentinel(String),
    /// Each node of a cluster knows the masters of all slots.
    Cluster,
}

impl Endpoint {
    /// Reads the url.
    pub(in crate::store::redis) fn read(options: &Options) -> Result<Self, OpenError> {
        // TLS needs a crypto provider. One that was installed before is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let unfit = |why: &str| {
            let shown = redacted(&options.url);
            OpenError::fatal(format!("store.url cannot be used ({shown}): {why}"))
        };
        let url = UrlParts::of(&options.url).ok_or_else(|| unfit("it has no scheme"))?;
        let discovery = discovery(&url).map_err(unfit)?;
        let mut servers = Vec::new();
        for host in &url.hosts {
            let info = single(&url, host, &discovery)
                .into_connection_info()
                .map_err(|error| OpenError::url(error, &options.url))?;
            servers.push(info);
        }
        let named = servers.iter().filter_map(|info| match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                Some(Address::new(host, *port))
            }
            _ => None,
        });
        let named: Vec<_> = named.collect();
        let Some(first) = servers.into_iter().next().filter(|_| !named.is_empty()) else {
            return Err(unfit("it names no server"));
        };
        let database = first.redis_settings().db();
        if database < 0 {
            return Err(unfit("the database must be a number from 0"));
        }
        if discovery == Discovery::Cluster && database != 0 {
            return Err(unfit("a cluster has database 0 only"));
        }
        let server = tuned(first);
        let sentinel = sentinel(options, &server);
        Ok(Self {
            discovery,
            named,
            credentials: Credentials::new(options, &server)?,
            server,
            sentinel,
        })
    }

    /// The number of the database.
    pub(in crate::store::redis) fn database(&self) -> i64 {
        self.server.redis_settings().db()
    }

    /// How to connect to a server, with the current password.
    pub(in crate::store::redis) fn server(&self, address: &Address) -> ConnectionInfo {
        let info = at(&self.server, address);
        let settings = self.credentials.apply(info.redis_settings().clone());
        info.set_redis_settings(settings)
    }

    /// How to connect to a sentinel.
    pub(in crate::store::redis) fn sentinel(&self, address: &Address) -> ConnectionInfo {
        at(&self.sentinel, address)
    }

    /// Whether the clock allows a connection: a clock before 1970 cannot judge certificates, and
    /// the TLS library panics there.
    pub(in crate::store::redis) fn check_clock(&self) -> Result<(), &'static str> {
        let speaks_tls =
            |info: &ConnectionInfo| matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        if (speaks_tls(&self.server) || speaks_tls(&self.sentinel))
            && SystemTime::now() < UNIX_EPOCH
        {
            return Err(
                "this machine's clock is before 1970, so no certificate can be judged: set the \
                 clock",
            );
        }
        Ok(())
    }
}

/// A client for these connections. It opens none yet.
pub(in crate::store::redis) fn client(
    info: ConnectionInfo,
    options: &Options,
) -> Result<Client, OpenError> {
    Client::open(info).map_err(|error| OpenError::url(error, &options.url))
}

/// Time limits of a connection for commands.
pub(in crate::store::redis) fn limits(options: &Options) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(options.connect_timeout))
        .set_response_timeout(Some(options.answer_limit()))
}

/// How the masters are found.
fn discovery(url: &UrlParts<'_>) -> Result<Discovery, &'static str> {
    if !url.parameters.is_empty() {
        return Err("it takes no parameters (? and #); certificates are always verified");
    }
    match url.scheme {
        "redis" | "rediss" if url.hosts.len() == 1 => Ok(Discovery::Named),
        "redis" | "rediss" => Err("several servers need redis-cluster:// or redis-sentinel://"),
        "redis-cluster" | "rediss-cluster" => Ok(Discovery::Cluster),
        "redis-sentinel" | "rediss-sentinel" => match url.master_and_database() {
            ("", _) => Err("it has to end with the name that the sentinels have for the master"),
            (master, _) => Ok(Discovery::Sentinel(master.to_owned())),
        },
        _ => Err(
            "it must begin with redis://, redis-sentinel://, redis-cluster://, or for TLS with \
             rediss",
        ),
    }
}

/// The url of one server.
fn single(url: &UrlParts<'_>, host: &str, discovery: &Discovery) -> String {
    let tls = if url.scheme.starts_with("rediss") {
        "s"
    } else {
        ""
    };
    let (default_port, database) = match discovery {
        Discovery::Sentinel(_) => (":26379", url.master_and_database().1),
        Discovery::Named | Discovery::Cluster => ("", url.path),
    };
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.contains(']'));
    let port = if has_port { "" } else { default_port };
    format!("redis{tls}://{}{host}{port}/{database}", url.account)
}

fn tuned(info: ConnectionInfo) -> ConnectionInfo {
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(TcpKeepalive::new().with_time(KEEPALIVE));
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(USER_TIMEOUT);
    let settings = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP2);
    info.set_tcp_settings(tcp).set_redis_settings(settings)
}

/// Sentinels have an account and a transport of their own: the master's are never sent to them.
fn sentinel(options: &Options, server: &ConnectionInfo) -> ConnectionInfo {
    let speaks_tls = options
        .sentinel
        .tls
        .unwrap_or(matches!(server.addr(), ConnectionAddr::TcpTls { .. }));
    let mut settings = RedisConnectionInfo::default();
    if let Some(username) = &options.sentinel.username {
        settings = settings.set_username(username);
    }
    if let Some(password) = &options.sentinel.password {
        settings = settings.set_password(password);
    }
    let addr = match server.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            address(host.clone(), *port, speaks_tls)
        }
        other => other.clone(),
    };
    server.clone().set_addr(addr).set_redis_settings(settings)
}

/// The same connection, to another server.
fn at(info: &ConnectionInfo, to: &Address) -> ConnectionInfo {
    let speaks_tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
    info.clone()
        .set_addr(address(to.host.to_string(), to.port, speaks_tls))
}

const fn address(host: String, port: u16, speaks_tls: bool) -> ConnectionAddr {
    if speaks_tls {
        ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        }
    } else {
        ConnectionAddr::Tcp(host, port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Endpoint, OpenError> {
        Endpoint::read(&Options {
            url: url.to_owned(),
            ..Options::default()
        })
    }

    #[test]
    fn a_url_names_one_server_or_sentinels_or_nodes() {
        for (url, discovery, named) in [
            ("redis://db", Discovery::Named, "db:6379"),
            ("redis://u:p@db:1/3", Discovery::Named, "db:1"),
            (
                "redis-cluster://a:1,b,[::1]:2",
                Discovery::Cluster,
                "a:1 b:6379 [::1]:2",
            ),
            (
                "rediss-sentinel://:p@a,b:1/people/2",
                Discovery::Sentinel("people".to_owned()),
                "a:26379 b:1",
            ),
        ] {
            let endpoint = read(url).expect(url);
            assert_eq!(endpoint.discovery, discovery, "{url}");
            let addresses: Vec<_> = endpoint.named.iter().map(Address::to_string).collect();
            assert_eq!(addresses.join(" "), named, "{url}");
        }
    }

    #[test]
    fn the_account_and_the_database_are_the_servers_and_not_the_sentinels() {
        let endpoint = read("rediss-sentinel://me:s%2Ft@a/people/2").expect("a url");
        let address = Address::new("db", 6379);
        let server = endpoint.server(&address);
        let settings = server.redis_settings();
        assert_eq!(
            (settings.username(), settings.password()),
            (Some("me"), Some("s/t"))
        );
        assert_eq!(settings.db(), 2);
        assert!(matches!(server.addr(), ConnectionAddr::TcpTls { .. }));
        let sentinel = endpoint.sentinel(&address);
        let settings = sentinel.redis_settings();
        assert_eq!((settings.username(), settings.password()), (None, None));
        assert_eq!(settings.db(), 0);
    }

    #[test]
    fn an_unfit_url_is_refused_with_the_reason() {
        for (url, reason) in [
            ("redis-cluster://a/1", "database 0 only"),
            ("redis-sentinel://a", "the name"),
            ("redis://a,b", "redis-cluster://"),
            ("http://a", "must begin"),
            ("redis://a#b", "parameters"),
        ] {
            let refused = read(url).err().expect(url).to_string();
            assert!(refused.contains(reason), "{url}: {refused}");
        }
    }
}

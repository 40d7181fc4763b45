//! `store.url`: the kind of store and its address. The password is used, and never shown.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::store::redis::{REDACTED, UrlParts, redacted};

/// The kind of store, and its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// The embedded store, a file in this folder.
    Embedded(PathBuf),
    /// A Redis server that gateways share.
    Redis(RedisUrl),
}

/// The address of Redis servers. `Display` and `Debug` hide the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    text: String,
    kind: RedisKind,
}

/// How the Redis servers are organised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisKind {
    /// `redis:`: one server, or a proxy.
    Single,
    /// `redis-sentinel:`: a master that sentinels watch.
    Sentinel,
    /// `redis-cluster:`: a cluster.
    Cluster,
}

/// A text that is not the address of a store. Never contains the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStoreUrl {
    /// An unknown scheme, or none.
    #[error(
        "has to be embedded:DIR, redis://HOST[:PORT][/DATABASE], \
         redis-sentinel://HOST[:PORT],…/MASTER[/DATABASE] or redis-cluster://HOST[:PORT],…; \
         rediss… with TLS"
    )]
    Scheme,
    /// Sentinels without the name of a master.
    #[error(
        "needs the name that the sentinels have for the master, as in redis-sentinel://HOST/MASTER"
    )]
    Master,
    /// A cluster with another database than 0.
    #[error("names a database, and a cluster has database 0 only")]
    ClusterDatabase,
    /// Several servers without the scheme that says what they are.
    #[error("names several servers: write redis-cluster:// or redis-sentinel://")]
    Several,
    /// `embedded:` without a folder.
    #[error("embedded: needs a folder, as in embedded:./data")]
    Folder,
    /// A Redis address that cannot be parsed, or has no host.
    #[error(
        "is not an address like redis://USER:PASSWORD@HOST:PORT/DATABASE (a password's special \
         characters are written as %XX)"
    )]
    Address,
    /// No number after the slash.
    #[error("the database after the slash has to be a number from 0 to 65535, or be left out")]
    Database,
    /// A query or a fragment.
    #[error("takes no parameters after the database; the other limits have settings of their own")]
    Parameters,
    /// An address copied from the output of `people-gateway config`.
    #[error("the password is hidden here (***): write the real one")]
    Redacted,
}

impl FromStr for StoreUrl {
    type Err = InvalidStoreUrl;

    fn from_str(text: &str) -> Result<Self, InvalidStoreUrl> {
        let (scheme, rest) = text.split_once(':').ok_or(InvalidStoreUrl::Scheme)?;
        match scheme {
            "embedded" if rest.is_empty() => Err(InvalidStoreUrl::Folder),
            "embedded" => Ok(Self::Embedded(PathBuf::from(rest))),
            "redis" | "rediss" => redis(text, RedisKind::Single),
            "redis-sentinel" | "rediss-sentinel" => redis(text, RedisKind::Sentinel),
            "redis-cluster" | "rediss-cluster" => redis(text, RedisKind::Cluster),
            _ => Err(InvalidStoreUrl::Scheme),
        }
    }
}

fn redis(text: &str, kind: RedisKind) -> Result<StoreUrl, InvalidStoreUrl> {
    let url = UrlParts::of(text).ok_or(InvalidStoreUrl::Address)?;
    if !url.parameters.is_empty() {
        return Err(InvalidStoreUrl::Parameters);
    }
    let servers = url.each().ok_or(InvalidStoreUrl::Address)?;
    if servers.iter().any(|server| server.port() == Some(0)) {
        return Err(InvalidStoreUrl::Address);
    }
    if servers
        .iter()
        .any(|server| server.password() == Some(REDACTED))
    {
        return Err(InvalidStoreUrl::Redacted);
    }
    if kind == RedisKind::Single && servers.len() > 1 {
        return Err(InvalidStoreUrl::Several);
    }
    let database = match kind {
        RedisKind::Single | RedisKind::Cluster => url.path,
        RedisKind::Sentinel => match url.master_and_database() {
            ("", _) => return Err(InvalidStoreUrl::Master),
            (_, database) => database,
        },
    };
    if !database.is_empty() && database.parse::<u16>().is_err() {
        return Err(InvalidStoreUrl::Database);
    }
    if kind == RedisKind::Cluster && !matches!(database, "" | "0") {
        return Err(InvalidStoreUrl::ClusterDatabase);
    }
    let text = text.to_owned();
    Ok(StoreUrl::Redis(RedisUrl { text, kind }))
}

impl RedisUrl {
    /// The whole address with its password: for the connection only.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// How the servers are organised.
    pub fn kind(&self) -> RedisKind {
        self.kind
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.text))
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(folder) => write!(f, "embedded:{}", folder.display()),
            Self::Redis(url) => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_stores_are_read_and_shown_again() {
        for text in [
            "embedded:./data",
            "embedded:/var/lib/people",
            "redis://localhost:6379/3",
            "rediss://user@host/0",
            "redis-cluster://10.0.0.1:7000,10.0.0.2,[::1]:7002",
            "rediss-sentinel://user@a,b:26380/people/2",
        ] {
            let url: StoreUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), text);
        }
    }

    #[test]
    fn invalid_addresses_are_refused_each_for_its_reason() {
        for (text, error) in [
            ("redis-sentinel://h", InvalidStoreUrl::Master),
            ("redis-sentinel://h//1", InvalidStoreUrl::Master),
            ("redis-sentinel://h/people/x", InvalidStoreUrl::Database),
            ("redis-cluster://h/1", InvalidStoreUrl::ClusterDatabase),
            ("redis-cluster://a,", InvalidStoreUrl::Address),
            ("redis-cluster://a:0,b", InvalidStoreUrl::Address),
            ("redis-cluster://:***@a,b", InvalidStoreUrl::Redacted),
            ("redis://a,b", InvalidStoreUrl::Several),
            ("redis:a", InvalidStoreUrl::Address),
            ("embedded:", InvalidStoreUrl::Folder),
            ("postgres://h/db", InvalidStoreUrl::Scheme),
            ("./data", InvalidStoreUrl::Scheme),
            ("redis://", InvalidStoreUrl::Address),
            ("redis://:p@h:99999999", InvalidStoreUrl::Address),
            ("redis://h:0", InvalidStoreUrl::Address),
            ("redis://h/people", InvalidStoreUrl::Database),
            ("redis://h/0?protocol=resp3", InvalidStoreUrl::Parameters),
            ("redis://:***@h", InvalidStoreUrl::Redacted),
        ] {
            assert_eq!(text.parse::<StoreUrl>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_password_is_used_but_never_shown() {
        let url: StoreUrl = "rediss://me:s3cr%2Ft@redis.example:7000/2".parse().unwrap();
        assert_eq!(url.to_string(), "rediss://me:***@redis.example:7000/2");
        assert!(!format!("{url:?}").contains("s3cr"));
        let StoreUrl::Redis(url) = url else {
            panic!("not Redis")
        };
        assert_eq!(url.expose(), "rediss://me:s3cr%2Ft@redis.example:7000/2");
    }
}

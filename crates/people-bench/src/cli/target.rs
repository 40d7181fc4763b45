//! What is measured: a gateway that runs already, or one that is started for each turn.

use std::convert::Infallible;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, ensure};
use clap::{Args, value_parser};
use url::Url;

use super::WrongUse;
use crate::load::plan::{Afterwards, ClientFormat, Topics};
use crate::report::{Disturbed, Rounds};
use crate::servers::{Contestant, Remote, Starts, Store, Writer};

/// Flags of every workload with clients.
#[derive(Args, Debug)]
pub(crate) struct TargetFlags {
    /// Measure the gateway that runs here already; nobody else should write to it. What is saved is
    /// deleted again
    #[arg(
        long,
        value_name = "URL",
        value_parser = http_url,
        conflicts_with_all = ["store", "gateway"]
    )]
    url: Option<Url>,
    /// The process of that gateway, if it is on this machine: for its CPU time and memory
    #[arg(long, requires = "url")]
    pid: Option<u32>,
    /// The admin listener of that gateway: for its metrics
    #[arg(long, value_name = "URL", value_parser = http_url, requires = "url")]
    admin_url: Option<Url>,
    /// Start gateways with this store only [default: both]
    #[arg(long, value_enum)]
    store: Option<Store>,
    /// The program to start [default: people-gateway beside this program]
    #[arg(long, value_name = "PATH")]
    gateway: Option<PathBuf>,
    /// The form of what clients are sent [default: text; for resume json]
    #[arg(long, value_enum)]
    format: Option<ClientFormat>,
    /// How often each takes its turn
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..=100))]
    turns: u32,
    /// What to do about a turn in which others took more than a third of a core
    #[arg(long, value_enum, default_value_t = Disturbed::Repeat)]
    disturbed: Disturbed,
    /// Write the report as JSON into a file, or - to standard output
    #[arg(long, value_name = "FILE|-")]
    json: Option<JsonTo>,
}

/// Where the JSON goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JsonTo {
    Output,
    File(PathBuf),
}

/// What a workload is run against.
#[derive(Debug)]
pub(crate) struct Target {
    /// Gateways only.
    pub(crate) gateways: Vec<Contestant>,
    pub(crate) starts: Starts,
    pub(crate) afterwards: Afterwards,
    pub(crate) rounds: Rounds,
    pub(crate) json: Option<JsonTo>,
}

impl FromStr for JsonTo {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "-" {
            Self::Output
        } else {
            Self::File(text.into())
        })
    }
}

impl TargetFlags {
    /// Finds the gateway that runs, or the program to start.
    pub(crate) fn target(
        self,
        writer: Writer,
        format: ClientFormat,
        topics: Topics,
    ) -> anyhow::Result<Target> {
        let afterwards = if self.url.is_some() {
            Afterwards::Delete
        } else {
            Afterwards::Leave
        };
        let program = if self.url.is_some() {
            PathBuf::new()
        } else {
            program(self.gateway.as_deref())?
        };
        Ok(Target {
            gateways: gateways(
                self.url.as_ref(),
                self.pid,
                self.admin_url.as_ref(),
                self.store,
                writer,
            )?,
            starts: Starts {
                program,
                writer,
                format: self.format.unwrap_or(format),
                topics,
            },
            afterwards,
            rounds: Rounds {
                number: usize::try_from(self.turns)?,
                disturbed: self.disturbed,
            },
            json: self.json,
        })
    }
}

fn gateways(
    url: Option<&Url>,
    pid: Option<u32>,
    admin: Option<&Url>,
    store: Option<Store>,
    writer: Writer,
) -> anyhow::Result<Vec<Contestant>> {
    if let Some(url) = url {
        let (address, admin) = (address(url)?, admin.map(address).transpose()?);
        return Ok(vec![Contestant::Remote(Remote {
            address,
            admin,
            pid,
        })]);
    }
    Ok(match (store, writer) {
        (Some(Store::Embedded), Writer::Other) => {
            let why = "--writer other needs --store redis: an embedded store has one gateway";
            return Err(WrongUse(why.to_owned()).into());
        }
        (Some(store), _) => vec![Contestant::Gateway(store)],
        (None, Writer::Other) => vec![Contestant::Gateway(Store::Redis)],
        (None, Writer::Same) => vec![
            Contestant::Gateway(Store::Embedded),
            Contestant::Gateway(Store::Redis),
        ],
    })
}

/// The gateway's program: the one named, or the one beside this.
pub(crate) fn program(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let beside =
        || Ok::<_, std::io::Error>(std::env::current_exe()?.with_file_name("people-gateway"));
    let program = named.map_or_else(beside, |path| Ok(path.to_owned()))?;
    ensure!(
        program.is_file(),
        "there is no program {}: build it, or name another with --gateway",
        program.display()
    );
    Ok(program)
}

fn http_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}"))?;
    if url.scheme() != "http"
        || url.host_str().is_none()
        || !matches!(url.path(), "/" | "/people" | "/metrics")
    {
        return Err("it is http://HOST:PORT; people-bench speaks no TLS".to_owned());
    }
    Ok(url)
}

fn address(url: &Url) -> anyhow::Result<SocketAddr> {
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(80);
    let mut addresses = (host, port)
        .to_socket_addrs()
        .with_context(|| format!("{host} has no address"))?;
    addresses
        .next()
        .with_context(|| format!("{host} has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_word_both_stores_are_measured_and_a_second_writer_needs_redis() {
        let (embedded, redis) = (
            Contestant::Gateway(Store::Embedded),
            Contestant::Gateway(Store::Redis),
        );
        let found = |store, writer| gateways(None, None, None, store, writer);
        assert_eq!(found(None, Writer::Same).unwrap(), [embedded, redis]);
        assert_eq!(
            found(Some(Store::Embedded), Writer::Same).unwrap(),
            [embedded]
        );
        assert_eq!(found(None, Writer::Other).unwrap(), [redis]);
        assert!(
            found(Some(Store::Embedded), Writer::Other)
                .unwrap_err()
                .is::<WrongUse>()
        );
    }

    #[test]
    fn a_url_names_host_and_port_and_the_default_port_is_80() {
        let parsed = |text| http_url(text).map(|url| address(&url).unwrap());
        assert_eq!(
            parsed("http://127.0.0.1:8080/people"),
            Ok(([127, 0, 0, 1], 8080).into())
        );
        assert_eq!(
            parsed("http://[::1]/").map(|address| address.port()),
            Ok(80)
        );
        for wrong in ["https://a", "ws://a", "127.0.0.1:8080", "http://a/b"] {
            assert!(http_url(wrong).is_err(), "{wrong}");
        }
    }
}

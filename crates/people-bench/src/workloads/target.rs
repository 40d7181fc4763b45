//! The measured gateways: one that runs already, or ones that are started for each turn.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::{Args, value_parser};
use url::Url;

use super::flags::positive;
use crate::baseline::SendMode;
use crate::load::plan::{Cleanup, ClientFormat, FilterKind, LoadPlan, LoadStage, Topics};
use crate::report::{BenchReport, DisturbedTurn, JsonTarget, Rounds, Turn, take_turns};
use crate::servers::{
    BenchRights, BenchToken, Contestant, RemoteGateway, RunningContestant, StartOptions, StoreKind,
    WriterPlace,
};

/// The flags contradict each other, in a way that clap cannot check.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(super) String);

/// Flags of every workload with clients.
#[derive(Args, Debug)]
pub(crate) struct TargetFlags {
    /// Measure the gateway that runs at this address; only this program should write to it. The
    /// saved people are deleted afterwards
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
    store: Option<StoreKind>,
    /// The program to start [default: people-gateway beside this program]
    #[arg(long, value_name = "PATH")]
    gateway: Option<PathBuf>,
    /// Let gateways ask for tokens, and send one with each request
    #[arg(long, conflicts_with = "url")]
    auth: bool,
    /// The same, with a rule for people and a hidden attribute for those who watch
    #[arg(long, conflicts_with = "url")]
    rules: bool,
    /// The same as --auth, with this number of RS256 tokens: each client has the next one
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = positive(),
        conflicts_with_all = ["url", "rules"]
    )]
    own_tokens: Option<u32>,
    /// The format of clients' messages [default: text; for resume json]
    #[arg(long, value_enum)]
    format: Option<ClientFormat>,
    /// The number of turns of each contestant
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..=100))]
    turns: u32,
    /// What to do about a turn in which others took more than a third of a core
    #[arg(long, value_enum, default_value_t = DisturbedTurn::Repeat)]
    disturbed: DisturbedTurn,
    /// Write the report as JSON to a file, or to standard output (-)
    #[arg(long, value_name = "FILE|-")]
    json: Option<JsonTarget>,
}

/// What a workload measures, and how.
#[derive(Debug)]
pub(super) struct BenchTarget {
    /// The gateways, without the baseline.
    pub(super) gateways: Vec<Contestant>,
    pub(super) options: StartOptions,
    pub(super) rounds: Rounds,
    pub(super) json: Option<JsonTarget>,
    cleanup: Cleanup,
}

impl TargetFlags {
    /// What those who watch may do, where gateways ask for tokens.
    fn rights(&self) -> Option<BenchRights> {
        match (self.rules, self.auth || self.own_tokens.is_some()) {
            (true, _) => Some(BenchRights::Restricted),
            (false, true) => Some(BenchRights::All),
            (false, false) => None,
        }
    }

    /// The running gateway, or the program to start.
    pub(super) fn target(
        self,
        writer: WriterPlace,
        format: ClientFormat,
        topics: Topics,
    ) -> anyhow::Result<BenchTarget> {
        let cleanup = if self.url.is_some() {
            Cleanup::Delete
        } else {
            Cleanup::Keep
        };
        let program = if self.url.is_some() {
            PathBuf::new()
        } else {
            program(self.gateway.as_deref())?
        };
        Ok(BenchTarget {
            gateways: gateways(
                self.url.as_ref(),
                self.pid,
                self.admin_url.as_ref(),
                self.store,
                writer,
            )?,
            options: StartOptions {
                token: self
                    .rights()
                    .map(|rights| BenchToken::make(&program, rights, self.own_tokens))
                    .transpose()?,
                program,
                writer,
                format: self.format.unwrap_or(format),
                topics,
            },
            rounds: Rounds {
                number: usize::try_from(self.turns)?,
                disturbed: self.disturbed,
            },
            json: self.json,
            cleanup,
        })
    }
}

impl BenchTarget {
    /// Takes the turns of all contestants, the baseline first if it takes part, and finishes the
    /// report.
    pub(super) async fn take_turns(
        &self,
        mut report: BenchReport,
        baseline: Option<SendMode>,
        mut turn: impl AsyncFnMut(Contestant) -> anyhow::Result<Turn>,
    ) -> anyhow::Result<()> {
        let base = baseline.map(|_| 0);
        let baselines = baseline.map(Contestant::Baseline);
        let contestants: Vec<Contestant> = baselines
            .into_iter()
            .chain(self.gateways.iter().copied())
            .collect();
        for (number, contestant) in contestants.iter().enumerate() {
            report.add_contestant(contestant.name(), base.filter(|base| *base != number));
        }
        take_turns(&mut report, self.rounds, &contestants, async |contestant| {
            turn(*contestant).await
        })
        .await?;
        report.finish(self.json.as_ref())
    }

    /// The plan of a load for clients of this server.
    pub(super) fn plan(
        &self,
        server: &RunningContestant,
        clients: u32,
        topics: Topics,
        stage: LoadStage,
    ) -> LoadPlan {
        let token = self.options.token.as_ref();
        LoadPlan {
            server: server.address,
            writer: server.writer,
            clients: usize::try_from(clients).unwrap_or(usize::MAX),
            format: self.options.format,
            topics,
            stage,
            cleanup: self.cleanup,
            tokens: token.map(BenchToken::watchers),
            writer_token: token.map(|token| token.writer().to_owned()),
        }
    }

    /// Fails if the memory of a running gateway is needed and its process is unknown.
    pub(super) fn check_pid(&self, workload: &str) -> Result<(), UsageError> {
        if let [Contestant::Remote(RemoteGateway { pid: None, .. })] = self.gateways[..] {
            let why = format!("{workload} measures memory: with --url it needs --pid");
            return Err(UsageError(why));
        }
        Ok(())
    }
}

/// Distinct filters of this kind; no filter for a count of 0.
pub(super) fn topics(kind: FilterKind, count: u32) -> Topics {
    if count == 0 {
        Topics::Everything
    } else {
        Topics::Filters { kind, count }
    }
}

fn gateways(
    url: Option<&Url>,
    pid: Option<u32>,
    admin: Option<&Url>,
    store: Option<StoreKind>,
    writer: WriterPlace,
) -> anyhow::Result<Vec<Contestant>> {
    if let Some(url) = url {
        let (address, admin) = (address(url)?, admin.map(address).transpose()?);
        return Ok(vec![Contestant::Remote(RemoteGateway {
            address,
            admin,
            pid,
        })]);
    }
    Ok(match (store, writer) {
        (Some(StoreKind::Embedded), WriterPlace::Other) => {
            let why = "--writer other needs --store redis: an embedded store has one gateway";
            return Err(UsageError(why.to_owned()).into());
        }
        (Some(store), _) => vec![Contestant::Gateway(store)],
        (None, WriterPlace::Other) => vec![Contestant::Gateway(StoreKind::Redis)],
        (None, WriterPlace::Same) => vec![
            Contestant::Gateway(StoreKind::Embedded),
            Contestant::Gateway(StoreKind::Redis),
        ],
    })
}

/// The gateway's program: the named one, or the one beside this program.
pub(super) fn program(named: Option<&Path>) -> anyhow::Result<PathBuf> {
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
    fn both_stores_are_measured_by_default_and_a_second_gateway_needs_redis() {
        let (embedded, redis) = (
            Contestant::Gateway(StoreKind::Embedded),
            Contestant::Gateway(StoreKind::Redis),
        );
        let found = |store, writer| gateways(None, None, None, store, writer);
        assert_eq!(found(None, WriterPlace::Same).unwrap(), [embedded, redis]);
        assert_eq!(
            found(Some(StoreKind::Embedded), WriterPlace::Same).unwrap(),
            [embedded]
        );
        assert_eq!(found(None, WriterPlace::Other).unwrap(), [redis]);
        assert!(
            found(Some(StoreKind::Embedded), WriterPlace::Other)
                .unwrap_err()
                .is::<UsageError>()
        );
    }

    #[test]
    fn a_url_has_host_and_port_and_the_default_port_is_80() {
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

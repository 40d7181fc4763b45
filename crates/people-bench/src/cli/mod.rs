//! The command line: which workload, against what, and how much of it.

mod flags;
mod target;

use std::net::SocketAddr;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::floor::{self, Writes};
use crate::load::plan::{ClientFormat, Plan, Topics};
use crate::{load, workloads};
pub(crate) use flags::{Fanout, Idle, Push, RedisKeeps, Resume, Selective, Slow, Storm, Writing};
pub(crate) use target::{JsonTo, Target, TargetFlags, program};

const EXAMPLES: &str = "\
Examples:
  people-bench fanout --floor                           what a delivery costs, beside the floor
  people-bench fanout --floor --in-flight 8             flat out
  people-bench selective --floor --filter range         10 of 10,000 clients match each change
  people-bench idle --filters 100 --store redis         memory of idle connections
  people-bench push --rate 200 --clients 100 --floor    from the request to the frame
  people-bench fanout --url http://127.0.0.1:8080 --pid $(pgrep -xo people-gateway)
  people-bench fanout --turns 5 --json - | jq .contestants";

/// What People Gateway costs: fan-out, filters, idle connections, storms, slow clients, REST
#[derive(Debug, Parser)]
#[command(name = "people-bench", version, disable_help_subcommand = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every client gets every change: CPU a delivery, latency
    Fanout(Fanout),
    /// Few of many clients match a change: CPU an event
    Selective(Selective),
    /// Connections that nothing happens on: memory of each
    Idle(Idle),
    /// Thousands connect at once while others are being served: CPU a connect, latency of the
    /// others
    Storm(Storm),
    /// Thousands come back at once with an old cursor: time until all are live
    Resume(Resume),
    /// Clients that read slowly beside others: latency and losses of the others, memory
    Slow(Slow),
    /// From the time at which a request is due to the frame at the clients
    Push(Push),
    /// REST on Redis, against what redis-benchmark reaches with the gateway's own script
    Writes(Writing),
    /// The clients of a workload, as a process of their own
    #[command(hide = true)]
    Load { plan: String },
    /// The server that a gateway is compared with
    #[command(hide = true)]
    Floor {
        writes: Writes,
        format: ClientFormat,
        topics: String,
        redis: Option<SocketAddr>,
    },
}

/// What was typed can't be meant so; a sentence says why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUse(pub(crate) String);

impl Cli {
    /// Carries out the command, to its end.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Load { plan } => {
                let plan: Plan = serde_json::from_str(&plan)?;
                load::run(&plan)
            }
            Command::Floor {
                writes,
                format,
                topics,
                redis,
            } => {
                let topics: Topics = serde_json::from_str(&topics)?;
                floor::run(writes, format, topics, redis)
            }
            workload => {
                load::raise_open_files(workload.clients())?;
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                runtime.block_on(until_interrupted(workload.run()))
            }
        }
    }
}

impl Command {
    /// How many clients there are at once.
    fn clients(&self) -> usize {
        let clients = match self {
            Self::Fanout(flags) => flags.clients,
            Self::Selective(flags) => flags.clients,
            Self::Idle(flags) => flags.clients,
            Self::Storm(flags) => flags.clients + flags.standing,
            Self::Resume(flags) => flags.clients,
            Self::Slow(flags) => flags.unread.unwrap_or(flags.clients + flags.burden),
            Self::Push(flags) => flags.clients,
            Self::Writes(_) | Self::Load { .. } | Self::Floor { .. } => 0,
        };
        usize::try_from(clients).unwrap_or(usize::MAX)
    }

    async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Fanout(flags) => workloads::fanout(flags).await,
            Self::Selective(flags) => workloads::selective(flags).await,
            Self::Idle(flags) => workloads::idle(flags).await,
            Self::Storm(flags) => workloads::storm(flags).await,
            Self::Resume(flags) => workloads::resume(flags).await,
            Self::Slow(flags) => workloads::slow(flags).await,
            Self::Push(flags) => workloads::push(flags).await,
            Self::Writes(flags) => workloads::writes(flags).await,
            Self::Load { .. } | Self::Floor { .. } => Ok(()),
        }
    }
}

/// A signal ends the work as an error would: servers are stopped and their folders removed.
async fn until_interrupted(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        _ = terminate.recv() => anyhow::bail!("terminated"),
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_flags_fit_together_and_the_examples_are_understood() {
        Cli::command().debug_assert();
        for example in EXAMPLES.lines().skip(1) {
            let words = example.split("   ").next().unwrap_or_default();
            let words = words
                .split('|')
                .next()
                .unwrap_or_default()
                .replace("$(pgrep -xo people-gateway)", "7");
            assert!(
                Cli::try_parse_from(words.split_whitespace()).is_ok(),
                "{words}"
            );
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            "fanout --clients 0",
            "fanout --rate 20 --in-flight 8",
            "fanout --pid 7",
            "fanout --url http://a:1 --store redis",
            "fanout --url ftp://a",
            "fanout --url http://127.0.0.1:1/elsewhere",
            "selective --filter prefix",
            "idle --writer other",
        ] {
            let typed = ["people-bench"].into_iter().chain(words.split_whitespace());
            assert!(Cli::try_parse_from(typed).is_err(), "{words}");
        }
    }
}

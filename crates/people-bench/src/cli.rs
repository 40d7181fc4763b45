//! The command line: the workloads, and the hidden commands of their processes.

use std::net::SocketAddr;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::baseline::{self, SendMode};
use crate::load::plan::{ClientFormat, LoadPlan, Topics};
use crate::workloads::{
    FanoutFlags, IdleFlags, PushFlags, ResumeFlags, SelectiveFlags, SlowFlags, StormFlags,
    WritesFlags,
};
use crate::{load, workloads};

const EXAMPLES: &str = "\
Examples:
  people-bench fanout --baseline                           cost of a delivery, and the baseline's
  people-bench fanout --baseline --in-flight 8             flat out
  people-bench selective --baseline --filter range         10 of 10,000 clients match each change
  people-bench idle --filters 100 --store redis            memory of idle connections
  people-bench push --rate 200 --clients 100 --baseline    latency from request to frame
  people-bench fanout --url http://127.0.0.1:8080 --pid $(pgrep -xo people-gateway)
  people-bench fanout --turns 5 --json - | jq .contestants";

/// Measure the costs of People Gateway: fan-out, filters, idle connections, storms, slow clients,
/// REST
#[derive(Debug, Parser)]
#[command(name = "people-bench", version, disable_help_subcommand = true, after_help = EXAMPLES)]
pub(crate) struct BenchCli {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Every client gets every change: CPU per delivery, latency
    Fanout(FanoutFlags),
    /// Few of many clients match each change: CPU per event
    Selective(SelectiveFlags),
    /// Idle connections: memory of each
    Idle(IdleFlags),
    /// Thousands connect while others get changes: CPU per connection, latency of the others
    Storm(StormFlags),
    /// Thousands resume from an old cursor: time until all are live
    Resume(ResumeFlags),
    /// Slow clients beside others: latency and losses of the others, memory
    Slow(SlowFlags),
    /// Latency from the due time of a request to the clients' frame
    Push(PushFlags),
    /// REST on Redis, compared with redis-benchmark running the gateway's own script
    Writes(WritesFlags),
    /// Run the clients of a workload
    #[command(hide = true)]
    Load { plan: String },
    /// Run the baseline
    #[command(hide = true)]
    Baseline {
        mode: SendMode,
        format: ClientFormat,
        topics: String,
        redis: Option<SocketAddr>,
    },
}

impl BenchCli {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.command {
            BenchCommand::Load { plan } => {
                let plan: LoadPlan = serde_json::from_str(&plan)?;
                load::run(&plan)
            }
            BenchCommand::Baseline {
                mode,
                format,
                topics,
                redis,
            } => {
                let topics: Topics = serde_json::from_str(&topics)?;
                baseline::run(mode, format, topics, redis)
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

impl BenchCommand {
    /// The number of simultaneous clients.
    fn clients(&self) -> usize {
        let clients = match self {
            Self::Fanout(flags) => flags.clients,
            Self::Selective(flags) => flags.clients,
            Self::Idle(flags) => flags.clients,
            Self::Storm(flags) => flags.clients + flags.subscribers,
            Self::Resume(flags) => flags.clients,
            Self::Slow(flags) => flags.unread.unwrap_or(flags.clients + flags.slow_clients),
            Self::Push(flags) => flags.clients,
            Self::Writes(_) | Self::Load { .. } | Self::Baseline { .. } => 0,
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
            Self::Load { .. } | Self::Baseline { .. } => Ok(()),
        }
    }
}

/// Ends the work at a signal as an error would: servers are stopped, and their folders removed.
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
    fn the_flags_are_consistent_and_the_examples_valid() {
        BenchCli::command().debug_assert();
        for example in EXAMPLES.lines().skip(1) {
            let words = example.split("   ").next().unwrap_or_default();
            let words = words
                .split('|')
                .next()
                .unwrap_or_default()
                .replace("$(pgrep -xo people-gateway)", "7");
            assert!(
                BenchCli::try_parse_from(words.split_whitespace()).is_ok(),
                "{words}"
            );
        }
    }

    #[test]
    fn invalid_flags_are_refused() {
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
            assert!(BenchCli::try_parse_from(typed).is_err(), "{words}");
        }
    }
}

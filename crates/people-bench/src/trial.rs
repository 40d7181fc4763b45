//! One turn: a contestant, its load, and the CPU time and memory of all processes.

use std::io::Write as _;
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::load::plan::{LoadMessage, LoadOutcome, LoadPlan};
use crate::machine::{MachineCpu, OtherLoad, ResidentMemory, cpu, cpu_of_threads};
use crate::servers::admin::counter;
use crate::servers::{ChildOutput, ChildProcess, Contestant, RunningContestant, StartOptions};

/// The gateway's serving thread.
const EGRESS: &str = "egress";
/// How much longer than planned a load may be silent. The load's own limit is shorter.
const SILENCE_LIMIT: Duration = Duration::from_secs(120);

/// A contestant with its clients.
pub(crate) struct Trial {
    pub(crate) load: Load,
    pub(crate) server: RunningContestant,
    /// The server's memory before the first client.
    pub(crate) before: Option<ResidentMemory>,
    /// The server's CPU time until all clients were connected.
    pub(crate) connecting: Option<Duration>,
}

/// The process of a load.
pub(crate) struct Load {
    process: ChildProcess,
    output: ChildOutput,
    /// Its end ends an idle load.
    input: ChildStdin,
    /// How long the connections took.
    pub(crate) opened: Duration,
}

/// The results of a measurement.
pub(crate) struct Measurement {
    pub(crate) outcome: LoadOutcome,
    pub(crate) elapsed: Duration,
    pub(crate) cpu: CpuTime,
    pub(crate) others: OtherLoad,
    /// The server's memory at the end.
    pub(crate) resident: Option<ResidentMemory>,
}

/// The CPU time of the measured processes; `None` if a process is unknown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuTime {
    pub(crate) server: Option<Duration>,
    /// The server's serving thread, a part of the server.
    pub(crate) egress: Option<Duration>,
    pub(crate) redis: Option<Duration>,
    /// A second gateway, which takes the changes.
    pub(crate) second: Option<Duration>,
    pub(crate) load: Duration,
}

/// The CPU times at one moment.
#[derive(Clone, Copy)]
pub(crate) struct CpuSample {
    cpu: CpuTime,
    machine: MachineCpu,
    at: Instant,
}

impl Trial {
    /// Starts the contestant, and the load of this plan.
    pub(crate) async fn open(
        contestant: Contestant,
        options: &StartOptions,
        plan: impl FnOnce(&RunningContestant) -> LoadPlan,
    ) -> anyhow::Result<Self> {
        let server = contestant.start(options).await?;
        let resident = server.pid.map(ResidentMemory::of).transpose()?;
        let used = server.pid.map(cpu).transpose()?;
        let load = Load::start(&plan(&server)).await?;
        let connecting = match (server.pid, used) {
            (Some(pid), Some(before)) => Some(cpu(pid)?.saturating_sub(before)),
            _ => None,
        };
        Ok(Self {
            load,
            server,
            before: resident,
            connecting,
        })
    }

    /// Measures the load from the end of its warm-up to its end.
    pub(crate) async fn measure(&mut self, lasts: Duration) -> anyhow::Result<Measurement> {
        self.load.wait_for_begin(lasts).await?;
        let before = CpuSample::now(&self.server, &self.load)?;
        self.load.proceed()?;
        self.finish(&before, lasts).await
    }

    /// A counter of the server's metrics; `None` if its admin listener is unknown.
    pub(crate) async fn counter(&self, name: &str) -> anyhow::Result<Option<u64>> {
        let Some(admin) = self.server.admin else {
            return Ok(None);
        };
        counter(admin, name).await.map(Some)
    }

    /// Waits for the load's end, which it reaches after about this time.
    pub(crate) async fn finish(
        &mut self,
        before: &CpuSample,
        lasts: Duration,
    ) -> anyhow::Result<Measurement> {
        ensure!(
            matches!(self.load.message(lasts).await?, LoadMessage::Done),
            "the load does not follow its plan"
        );
        let after = CpuSample::now(&self.server, &self.load)?;
        let resident = self.server.pid.map(ResidentMemory::of).transpose()?;
        let LoadMessage::End(outcome) = self.load.message(lasts).await? else {
            bail!("the load did not count its deliveries")
        };
        let cpu = after.cpu.since(&before.cpu);
        let others = after.machine.others_since(&before.machine, cpu.sum());
        Ok(Measurement {
            outcome,
            elapsed: after.at - before.at,
            cpu,
            others,
            resident,
        })
    }
}

impl Load {
    /// Starts the load, and returns when all its clients are connected.
    pub(crate) async fn start(plan: &LoadPlan) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["load", &serde_json::to_string(plan)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = ChildProcess::spawn(&mut command)?;
        let (output, input) = (process.output()?, process.input()?);
        let mut load = Self {
            process,
            output,
            input,
            opened: Duration::ZERO,
        };
        let LoadMessage::Open(opened) = load.message(Duration::ZERO).await? else {
            bail!("the load did not connect")
        };
        load.opened = opened;
        Ok(load)
    }

    /// Waits until the warm-up is over.
    pub(crate) async fn wait_for_begin(&mut self, lasts: Duration) -> anyhow::Result<()> {
        ensure!(
            matches!(self.message(lasts).await?, LoadMessage::Begin),
            "the load does not follow its plan"
        );
        Ok(())
    }

    /// Lets the load continue. The second call ends a run until input.
    pub(crate) fn proceed(&mut self) -> anyhow::Result<()> {
        Ok(self.input.write_all(b"go\n")?)
    }

    /// The load's CPU time so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu(self.process.id())
    }

    /// Ends an idle load. All its clients must still be connected.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        let Self {
            process,
            mut output,
            input,
            ..
        } = self;
        drop(input);
        if let Some(line) = output.line(SILENCE_LIMIT).await? {
            bail!("clients did not stay: {line}");
        }
        drop(process);
        Ok(())
    }

    async fn message(&mut self, lasts: Duration) -> anyhow::Result<LoadMessage> {
        let line = self
            .output
            .line(lasts + SILENCE_LIMIT)
            .await?
            .context("the load ended early")?;
        match serde_json::from_str(&line)? {
            LoadMessage::Failed(why) => bail!(why),
            message => Ok(message),
        }
    }
}

impl CpuSample {
    /// Reads the current times.
    pub(crate) fn now(server: &RunningContestant, load: &Load) -> anyhow::Result<Self> {
        let cpu = CpuTime {
            server: server.pid.map(cpu).transpose()?,
            egress: server
                .pid
                .map(|pid| cpu_of_threads(pid, EGRESS))
                .transpose()?,
            redis: server
                .redis
                .as_ref()
                .map(|redis| cpu(redis.process.id()))
                .transpose()?,
            second: server
                .second
                .as_ref()
                .map(|second| cpu(second.process.id()))
                .transpose()?,
            load: cpu(load.process.id())?,
        };
        Ok(Self {
            cpu,
            machine: MachineCpu::now()?,
            at: Instant::now(),
        })
    }

    /// The server's CPU time since an earlier sample, and the time between the two.
    pub(crate) fn server_since(&self, earlier: &Self) -> (Option<Duration>, Duration) {
        (self.cpu.since(&earlier.cpu).server, self.at - earlier.at)
    }
}

impl CpuTime {
    fn since(&self, earlier: &Self) -> Self {
        let used =
            |read: fn(&Self) -> Option<Duration>| Some(read(self)?.saturating_sub(read(earlier)?));
        Self {
            server: used(|time| time.server),
            egress: used(|time| time.egress),
            redis: used(|time| time.redis),
            second: used(|time| time.second),
            load: self.load.saturating_sub(earlier.load),
        }
    }

    fn sum(&self) -> Duration {
        [self.server, self.redis, self.second]
            .into_iter()
            .flatten()
            .sum::<Duration>()
            + self.load
    }
}

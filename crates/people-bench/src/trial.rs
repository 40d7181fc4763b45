//! One turn: a server, a load against it, and what everybody used meanwhile.

use std::io::Write as _;
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::load::plan::{Outcome, Plan, Word};
use crate::machine::{Machine, Others, Resident, cpu, cpu_of_threads};
use crate::servers::admin::counter;
use crate::servers::{Contestant, Output, Process, Server, Starts};

/// The thread of the gateway that judges and sends.
const EGRESS: &str = "egress";
/// How much longer than planned a load may be silent: it has its own, shorter patience.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server with its clients.
pub(crate) struct Trial {
    pub(crate) load: Load,
    pub(crate) server: Server,
    /// Resident memory of the server before the first client came, and CPU time until the last of
    /// them was connected.
    pub(crate) before: Option<Resident>,
    pub(crate) connecting: Option<Duration>,
}

/// Clients, as a process of their own.
pub(crate) struct Load {
    process: Process,
    output: Output,
    /// Closed with this value, which ends an idle load.
    input: ChildStdin,
    /// How long connecting took.
    pub(crate) opened: Duration,
}

/// What a measured stretch took.
pub(crate) struct Measured {
    pub(crate) outcome: Outcome,
    pub(crate) elapsed: Duration,
    pub(crate) spent: Spent,
    pub(crate) others: Others,
    /// At its end.
    pub(crate) resident: Option<Resident>,
}

/// CPU time of those who take part; nothing where a process is not known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) server: Option<Duration>,
    /// The server's sending thread; part of the server.
    pub(crate) egress: Option<Duration>,
    pub(crate) redis: Option<Duration>,
    /// A second gateway, on which changes are made.
    pub(crate) second: Option<Duration>,
    pub(crate) load: Duration,
}

/// CPU time used so far.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    spent: Spent,
    machine: Machine,
    at: Instant,
}

impl Trial {
    /// Starts the contestant, and the load that `plan` wants of it.
    pub(crate) async fn open(
        contestant: Contestant,
        with: &Starts,
        plan: impl FnOnce(&Server) -> Plan,
    ) -> anyhow::Result<Self> {
        let server = contestant.start(with).await?;
        let resident = server.pid.map(Resident::of).transpose()?;
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

    /// Runs the load's stretch, from the end of its warm-up to its end.
    pub(crate) async fn measure(&mut self, lasts: Duration) -> anyhow::Result<Measured> {
        self.load.reach_begin(lasts).await?;
        let before = Usage::now(&self.server, &self.load)?;
        self.load.go()?;
        self.finish(&before, lasts).await
    }

    /// A counter of the server's metrics; nothing where its admin listener is not known.
    pub(crate) async fn counted(&self, name: &str) -> anyhow::Result<Option<u64>> {
        let Some(admin) = self.server.admin else {
            return Ok(None);
        };
        counter(admin, name).await.map(Some)
    }

    /// Waits for the load's end, which is to come by itself after about this time.
    pub(crate) async fn finish(
        &mut self,
        before: &Usage,
        lasts: Duration,
    ) -> anyhow::Result<Measured> {
        ensure!(
            matches!(self.load.word(lasts).await?, Word::Done),
            "the load does something else than planned"
        );
        let after = Usage::now(&self.server, &self.load)?;
        let resident = self.server.pid.map(Resident::of).transpose()?;
        let Word::End(outcome) = self.load.word(lasts).await? else {
            bail!("the load did not count what arrived")
        };
        let spent = after.spent.since(&before.spent);
        let others = after.machine.others_since(&before.machine, spent.all());
        Ok(Measured {
            outcome,
            elapsed: after.at - before.at,
            spent,
            others,
            resident,
        })
    }
}

impl Load {
    /// Starts it; comes back when all its clients are connected.
    pub(crate) async fn start(plan: &Plan) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["load", &serde_json::to_string(plan)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = Process::spawn(&mut command)?;
        let (output, input) = (process.output()?, process.input()?);
        let mut load = Self {
            process,
            output,
            input,
            opened: Duration::ZERO,
        };
        let Word::Open(opened) = load.word(Duration::ZERO).await? else {
            bail!("the load did not connect")
        };
        load.opened = opened;
        Ok(load)
    }

    /// Waits until its warm-up is over.
    pub(crate) async fn reach_begin(&mut self, lasts: Duration) -> anyhow::Result<()> {
        ensure!(
            matches!(self.word(lasts).await?, Word::Begin),
            "the load does something else than planned"
        );
        Ok(())
    }

    /// Lets it go on; told a second time, a load that waits for it makes no more changes.
    pub(crate) fn go(&mut self) -> anyhow::Result<()> {
        Ok(self.input.write_all(b"go\n")?)
    }

    /// CPU time that it has used so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu(self.process.id())
    }

    /// Ends an idle one, all of whose clients must still be there.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        let Self {
            process,
            mut output,
            input,
            ..
        } = self;
        drop(input);
        if let Some(line) = output.line(PATIENCE).await? {
            bail!("clients did not stay: {line}");
        }
        drop(process);
        Ok(())
    }

    async fn word(&mut self, lasts: Duration) -> anyhow::Result<Word> {
        let line = self
            .output
            .line(lasts + PATIENCE)
            .await?
            .context("the load ended early")?;
        match serde_json::from_str(&line)? {
            Word::Failed(why) => bail!(why),
            word => Ok(word),
        }
    }
}

impl Usage {
    /// Reads it now.
    pub(crate) fn now(server: &Server, load: &Load) -> anyhow::Result<Self> {
        let spent = Spent {
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
            spent,
            machine: Machine::now()?,
            at: Instant::now(),
        })
    }

    /// The server's CPU time since then, and how long that was.
    pub(crate) fn server_since(&self, earlier: &Self) -> (Option<Duration>, Duration) {
        (
            self.spent.since(&earlier.spent).server,
            self.at - earlier.at,
        )
    }
}

impl Spent {
    fn since(&self, earlier: &Self) -> Self {
        let used =
            |read: fn(&Self) -> Option<Duration>| Some(read(self)?.saturating_sub(read(earlier)?));
        Self {
            server: used(|spent| spent.server),
            egress: used(|spent| spent.egress),
            redis: used(|spent| spent.redis),
            second: used(|spent| spent.second),
            load: self.load.saturating_sub(earlier.load),
        }
    }

    fn all(&self) -> Duration {
        [self.server, self.redis, self.second]
            .into_iter()
            .flatten()
            .sum::<Duration>()
            + self.load
    }
}

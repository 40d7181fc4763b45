//! One turn of one contestant: a server, a load against it, and what the server used meanwhile.

use std::io::BufRead as _;
use std::io::BufReader;
use std::net::SocketAddr;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::floor::Writes;
use crate::load::Plan;
use crate::support::machine::{Machine, cpu, cpu_of_threads};
use crate::support::servers::{Gateway, Process, Redis};

/// The thread of the gateway that judges and sends.
const EGRESS: &str = "egress";

/// Who serves the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contestant {
    /// The gateway with its embedded store.
    Embedded,
    /// The gateway with a Redis of its own.
    Redis,
    /// The floor.
    Floor(Writes),
}

/// A running contestant.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// The process that is measured.
    pub(crate) id: u32,
    // Dropped in this order: a gateway without its Redis would complain.
    _gateway: Option<Gateway>,
    redis: Option<Redis>,
    _floor: Option<Process>,
}

/// What one turn took.
pub(crate) struct Turn {
    /// Frames that arrived, and bytes in them.
    pub(crate) deliveries: u64,
    pub(crate) bytes: u64,
    pub(crate) elapsed: Duration,
    pub(crate) spent: Spent,
    /// CPU time that everybody else took.
    others: Duration,
}

/// CPU time of those who take part.
pub(crate) struct Spent {
    pub(crate) server: Duration,
    /// The server's sending thread; part of the server.
    pub(crate) egress: Duration,
    pub(crate) redis: Duration,
    pub(crate) load: Duration,
}

impl Contestant {
    /// How the report names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Embedded => "gateway, embedded",
            Self::Redis => "gateway, Redis",
            Self::Floor(Writes::Each) => "floor, a send a frame",
            Self::Floor(Writes::Together) => "floor, waiting frames in one send",
        }
    }

    /// Starts it.
    pub(crate) async fn start(self) -> anyhow::Result<Server> {
        if let Self::Floor(writes) = self {
            let mut process = Process::spawn(this_program()?.args(["floor", writes.word()]).stdout(Stdio::piped()))?;
            let address = line(&mut process.output()?)?;
            let address = address.strip_prefix("http://").context("not an address")?.parse()?;
            return Ok(Server { address, id: process.id(), redis: None, _gateway: None, _floor: Some(process) });
        }
        let redis = match self {
            Self::Redis => Some(Redis::start(&[]).await?),
            _ => None,
        };
        let gateway = Gateway::start(redis.as_ref()).await?;
        let (address, id) = (gateway.address, gateway.process.id());
        Ok(Server { address, id, redis, _gateway: Some(gateway), _floor: None })
    }
}

/// Clients, as a process of their own.
pub(crate) struct Load {
    process: Process,
    output: BufReader<ChildStdout>,
    /// Closed with this value, which ends an idle load.
    _input: ChildStdin,
}

impl Load {
    /// Connects `clients` clients, and comes back when all of them are.
    pub(crate) fn start(address: SocketAddr, clients: usize, plan: Plan) -> anyhow::Result<Self> {
        let mut command = this_program()?;
        command.args(["load", &address.to_string(), &clients.to_string()]).args(plan.words());
        let mut process = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let (output, input) = (process.output()?, process.input()?);
        let mut this = Self { process, output, _input: input };
        this.expect("open")?;
        Ok(this)
    }

    /// The next line, which must begin with `word`; what follows the word.
    fn expect(&mut self, word: &str) -> anyhow::Result<String> {
        let line = line(&mut self.output)?;
        Ok(line.strip_prefix(word).with_context(|| format!("the load says {line:?}, not {word}"))?.trim().to_owned())
    }
}

/// Runs the plan against a fresh server.
pub(crate) async fn turn(contestant: Contestant, clients: usize, plan: Plan) -> anyhow::Result<Turn> {
    let server = contestant.start().await?;
    let mut load = Load::start(server.address, clients, plan)?;
    load.expect("begin")?;
    let (before, started) = (Usage::now(&server, &load)?, Instant::now());
    let end = load.expect("end")?;
    let (after, elapsed) = (Usage::now(&server, &load)?, started.elapsed());
    let (changes, bytes) = end.split_once(' ').context("end of what?")?;
    Ok(Turn {
        deliveries: changes.parse::<u64>()? * clients as u64,
        bytes: bytes.parse()?,
        elapsed,
        spent: after.since(&before),
        others: after.machine.others_since(&before.machine, after.since(&before).all()),
    })
}

/// CPU time used so far.
struct Usage {
    spent: Spent,
    machine: Machine,
}

impl Turn {
    /// What everybody else took, as a percentage of one core.
    pub(crate) fn others_percent(&self) -> f64 {
        100.0 * self.others.as_secs_f64() / self.elapsed.as_secs_f64()
    }
}

impl Spent {
    fn all(&self) -> Duration {
        self.server + self.redis + self.load
    }
}

impl Usage {
    fn now(server: &Server, load: &Load) -> anyhow::Result<Self> {
        let spent = Spent {
            server: cpu(server.id)?,
            egress: cpu_of_threads(server.id, EGRESS)?,
            redis: server.redis.as_ref().map_or(Ok(Duration::ZERO), |redis| cpu(redis.process.id()))?,
            load: cpu(load.process.id())?,
        };
        Ok(Self { spent, machine: Machine::now()? })
    }

    fn since(&self, earlier: &Self) -> Spent {
        let used = |read: fn(&Spent) -> Duration| read(&self.spent).saturating_sub(read(&earlier.spent));
        Spent {
            server: used(|spent| spent.server),
            egress: used(|spent| spent.egress),
            redis: used(|spent| spent.redis),
            load: used(|spent| spent.load),
        }
    }
}

fn this_program() -> anyhow::Result<Command> {
    Ok(Command::new(std::env::current_exe()?))
}

fn line(output: &mut BufReader<ChildStdout>) -> anyhow::Result<String> {
    let mut line = String::new();
    if output.read_line(&mut line)? == 0 {
        bail!("a process of the benchmark ended early");
    }
    Ok(line.trim_end().to_owned())
}

//! `writes`: REST writes on Redis, compared with `redis-benchmark` and the gateway's own script.
//!
//! Both save the same person of 300 bytes over one of 10,000 people, on the same redis-server, with
//! 64 connections, in turn. redis-benchmark writes under a prefix of its own, whose channel has no
//! subscriber; the gateway also receives and relays the changes that its writes publish.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::{Args, value_parser};
use people_bench::person::{PERSON, id};
use people_gateway::store::redis::save_script;
use serde_json::json;
use tokio::process::Command;

use super::flags::positive;
use super::target::program;
use crate::load::rest::{CONNECTIONS, PersonRequest, RequestKind, burst};
use crate::machine::{MachineCpu, cpu, cpu_of_ended_children};
use crate::report::figure::{GATEWAY_US_WRITE, LOAD_US_WRITE, REDIS_US_WRITE, WRITES_PER_SECOND};
use crate::report::{BenchReport, DisturbedTurn, JsonTarget, Rounds, Turn, take_turns};
use crate::servers::{BenchRights, BenchToken, GatewayServer, RedisServer};

/// The people that are saved repeatedly.
const PEOPLE: u64 = 10_000;
/// The writes of redis-benchmark for each second of a turn, approximately.
const BENCHMARK_WRITES_PER_SECOND: u64 = 33_000;

/// Flags of `writes`.
#[derive(Args, Debug)]
pub(crate) struct WritesFlags {
    /// The persistence of Redis [default: both, one after the other]
    #[arg(long, value_enum)]
    keeps: Option<RedisPersistence>,
    /// Seconds of one turn of REST
    #[arg(long, default_value_t = 3, value_parser = positive())]
    seconds: u32,
    /// The number of turns of each contestant
    #[arg(long, default_value_t = 7, value_parser = value_parser!(u32).range(1..=100))]
    turns: u32,
    /// Let a second gateway, which asks for a token and has seen it, take turns too
    #[arg(long)]
    auth: bool,
    /// What to do about a turn in which others took more than a third of a core
    #[arg(long, value_enum, default_value_t = DisturbedTurn::Repeat)]
    disturbed: DisturbedTurn,
    /// The program to measure [default: people-gateway beside this program]
    #[arg(long, value_name = "PATH")]
    gateway: Option<PathBuf>,
    /// Write the report as JSON to a file, or to standard output (-)
    #[arg(long, value_name = "FILE|-")]
    json: Option<JsonTarget>,
}

/// The persistence of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum RedisPersistence {
    /// None
    Memory,
    /// An append-only file, synced every second
    File,
}

/// A contestant, and the number of its setup.
#[derive(Clone, Copy)]
enum WriteContestant {
    RedisBenchmark(usize),
    Rest(usize),
    RestWithToken(usize),
}

/// The servers of both contestants. The gateway is dropped first: without its Redis it would log
/// errors.
struct WriteSetup {
    gateway: GatewayServer,
    /// One that asks for a token, which is there too.
    asking: Option<(GatewayServer, BenchToken)>,
    redis: RedisServer,
    /// The hash of the loaded script.
    sha: String,
    /// The length of a turn.
    lasts: Duration,
}

/// The CPU times at one moment.
struct WriteCpuSample {
    load: Duration,
    redis: Duration,
    gateway: Duration,
    machine: MachineCpu,
}

/// Measures writes with each kind of persistence, or with the chosen one.
pub(crate) async fn writes(flags: WritesFlags) -> anyhow::Result<()> {
    let program = program(flags.gateway.as_deref())?;
    let rounds = Rounds {
        number: usize::try_from(flags.turns)?,
        disturbed: flags.disturbed,
    };
    let title = format!(
        "writes: REST on Redis, {CONNECTIONS} connections; median (lowest-highest) of {} turns",
        rounds.number
    );
    let settings =
        json!({ "connections": CONNECTIONS, "seconds": flags.seconds, "turns": rounds.number });
    let mut report = BenchReport::new("writes", title, settings);
    report.compare(&[WRITES_PER_SECOND]);
    let (mut setups, mut contestants) = (Vec::new(), Vec::new());
    let both = || vec![RedisPersistence::Memory, RedisPersistence::File];
    for persistence in flags.keeps.map_or_else(both, |keeps| vec![keeps]) {
        let (name, options) = match persistence {
            RedisPersistence::Memory => ("in memory", &["--appendonly", "no"][..]),
            RedisPersistence::File => (
                "append-only file",
                &["--appendonly", "yes", "--appendfsync", "everysec"][..],
            ),
        };
        let base = contestants.len();
        report.add_contestant(format!("redis-benchmark, {name}"), None);
        report.add_contestant(format!("REST, {name}"), Some(base));
        contestants.extend([
            WriteContestant::RedisBenchmark(setups.len()),
            WriteContestant::Rest(setups.len()),
        ]);
        if flags.auth {
            report.add_contestant(format!("REST with a token, {name}"), Some(base + 1));
            contestants.push(WriteContestant::RestWithToken(setups.len()));
        }
        let lasts = Duration::from_secs(flags.seconds.into());
        setups.push(WriteSetup::new(&program, options, lasts, flags.auth).await?);
    }
    take_turns(
        &mut report,
        rounds,
        &contestants,
        async |contestant| match contestant {
            WriteContestant::RedisBenchmark(setup) => setups[*setup].redis_benchmark_turn().await,
            WriteContestant::Rest(setup) => setups[*setup].rest_turn(),
            WriteContestant::RestWithToken(setup) => setups[*setup].asking_turn(),
        },
    )
    .await?;
    report.finish(flags.json.as_ref())
}

impl WriteSetup {
    async fn new(
        program: &Path,
        options: &[&str],
        lasts: Duration,
        auth: bool,
    ) -> anyhow::Result<Self> {
        let redis = RedisServer::start(options).await?;
        let gateway = GatewayServer::start(program, Some(&redis), None).await?;
        let sha = populate(&gateway, &redis)?;
        let asking = if auth {
            let token = BenchToken::make(program, BenchRights::All, None)?;
            let gateway = GatewayServer::start(program, Some(&redis), Some(&token)).await?;
            Some((gateway, token))
        } else {
            None
        };
        Ok(Self {
            gateway,
            asking,
            redis,
            sha,
            lasts,
        })
    }

    async fn redis_benchmark_turn(&self) -> anyhow::Result<Turn> {
        let before = self.sample(&self.gateway)?;
        let writes = BENCHMARK_WRITES_PER_SECOND * self.lasts.as_secs();
        let per_second = redis_benchmark(&self.redis, &self.sha, writes).await?;
        // By redis-benchmark's own clock, which excludes its start.
        let elapsed = Duration::from_secs_f64(writes as f64 / per_second);
        Ok(turn(writes, elapsed, &before, &self.sample(&self.gateway)?))
    }

    fn rest_turn(&self) -> anyhow::Result<Turn> {
        self.burst(&self.gateway, None)
    }

    fn asking_turn(&self) -> anyhow::Result<Turn> {
        let (gateway, token) = self.asking.as_ref().context("a gateway that asks")?;
        self.burst(gateway, Some(token.writer()))
    }

    fn burst(&self, gateway: &GatewayServer, token: Option<&str>) -> anyhow::Result<Turn> {
        let before = self.sample(gateway)?;
        let started = Instant::now();
        let kind = RequestKind::Replace;
        let request = person_request(kind, gateway, token);
        let writes = burst(gateway.address, kind, request, PEOPLE, |_| {
            started.elapsed() < self.lasts
        })?;
        let after = self.sample(gateway)?;
        Ok(turn(writes, started.elapsed(), &before, &after))
    }

    /// With the CPU time of this gateway.
    fn sample(&self, gateway: &GatewayServer) -> anyhow::Result<WriteCpuSample> {
        Ok(WriteCpuSample {
            load: cpu(std::process::id())? + cpu_of_ended_children()?,
            redis: cpu(self.redis.process.id())?,
            gateway: cpu(gateway.process.id())?,
            machine: MachineCpu::now()?,
        })
    }
}

fn turn(writes: u64, elapsed: Duration, before: &WriteCpuSample, after: &WriteCpuSample) -> Turn {
    let used = |read: fn(&WriteCpuSample) -> Duration| read(after).saturating_sub(read(before));
    let (load, redis, gateway) = (
        used(|sample| sample.load),
        used(|sample| sample.redis),
        used(|sample| sample.gateway),
    );
    let mut turn = Turn::default();
    turn.add(WRITES_PER_SECOND, writes as f64 / elapsed.as_secs_f64());
    turn.add_micros_each(REDIS_US_WRITE, Some(redis), writes);
    turn.add_micros_each(GATEWAY_US_WRITE, Some(gateway), writes);
    turn.add_micros_each(LOAD_US_WRITE, Some(load), writes);
    turn.add_others(
        after
            .machine
            .others_since(&before.machine, load + redis + gateway),
        elapsed,
    );
    turn
}

/// Requests for people with the ids of [`id`].
fn person_request(
    kind: RequestKind,
    gateway: &GatewayServer,
    token: Option<&str>,
) -> PersonRequest {
    let id = id(0);
    PersonRequest::new(kind, gateway.address, &id[..id.len() - 12], None, token)
}

/// Loads the script, and creates the people of the gateway and of redis-benchmark. Returns the
/// script's hash.
fn populate(gateway: &GatewayServer, redis: &RedisServer) -> anyhow::Result<String> {
    let kind = RequestKind::Create;
    let request = person_request(kind, gateway, None);
    let created = burst(gateway.address, kind, request, PEOPLE, |sent| sent < PEOPLE)?;
    ensure!(created == PEOPLE, "only {created} people were created");
    let mut connection = redis.connect()?;
    let sha: String = redis::cmd("SCRIPT")
        .arg("LOAD")
        .arg(save_script())
        .query(&mut connection)?;
    for number in 0..PEOPLE {
        let mut pipeline = redis::pipe();
        let words = words(&sha, &id(number), "0").map(str::to_owned);
        pipeline.cmd(&words[0]).arg(&words[1..]);
        pipeline.exec(&mut connection)?;
    }
    Ok(sha)
}

/// The store's command. `expected` is `0` for a new person, and `*` for an existing one.
fn words<'a>(sha: &'a str, id: &'a str, expected: &'a str) -> [&'a str; 19] {
    let [meta, log, people, ids] = [
        "{ceiling.p0}:meta",
        "{ceiling.p0}:log",
        "{ceiling.p0}:people",
        "{ceiling.p0}:ids",
    ];
    let (tag, epoch, log_max, ttl, time) = (
        "9e3779b97f4a7c15",
        "c2b2ae3d27d4eb4f",
        "100000",
        "86400000",
        "1795342200123",
    );
    let channel = "{ceiling.p0}:changes:0";
    [
        "EVALSHA", sha, "4", meta, log, people, ids, "S", id, PERSON, expected, tag, epoch,
        log_max, "", ttl, channel, "PUBLISH", time,
    ]
}

/// Runs redis-benchmark, and returns its writes per second.
async fn redis_benchmark(redis: &RedisServer, sha: &str, writes: u64) -> anyhow::Result<f64> {
    // redis-benchmark replaces this word by twelve digits, a random number below PEOPLE.
    let id = id(0).replace("000000000000", "__rand_int__");
    let output = Command::new("redis-benchmark")
        .args([
            "--csv",
            "-p",
            &redis.port.to_string(),
            "-c",
            &CONNECTIONS.to_string(),
        ])
        .args(["-n", &writes.to_string(), "-r", &PEOPLE.to_string()])
        .args(words(sha, &id, "*"))
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("redis-benchmark is part of redis-tools")?;
    let text = String::from_utf8(output.stdout)?;
    let line = text
        .lines()
        .last()
        .context("redis-benchmark printed nothing")?;
    // The command comes first, in quotes and with any characters; seven numbers follow.
    let per_second = line
        .rsplit(',')
        .nth(6)
        .context("redis-benchmark printed an unexpected line")?;
    Ok(per_second.trim_matches('"').parse()?)
}

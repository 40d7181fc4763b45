//! REST writes on Redis, against what `redis-benchmark` reaches with the very script that the
//! gateway runs.
//!
//! Both save the same person of 300 bytes over one of 10,000 people, on the same redis-server, with
//! 64 connections, in turn. redis-benchmark writes under a prefix of its own, to whose channel
//! nobody listens; the gateway also receives and relays what its writes publish.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use people_bench::person::{PERSON, id};
use people_gateway::store::redis::save_script;
use serde_json::json;
use tokio::process::Command;

use crate::cli::{RedisKeeps, Writing, program};
use crate::load::burst::{CONNECTIONS, burst};
use crate::load::rest::{Call, Request};
use crate::machine::{Machine, cpu, cpu_of_ended_children};
use crate::report::figure::{GATEWAY_US_WRITE, LOAD_US_WRITE, REDIS_US_WRITE, WRITES_PER_SECOND};
use crate::report::{Report, Rounds, Turn, take_turns};
use crate::servers::{Gateway, Redis};

/// People who are saved over and over.
const PEOPLE: u64 = 10_000;
/// Writes of redis-benchmark in a second of its turn, about.
const CEILING_WRITES_PER_SECOND: u64 = 33_000;

/// Who writes, and to which of the places.
#[derive(Clone, Copy)]
enum Writer {
    RedisBenchmark(usize),
    Rest(usize),
}

/// What both write to. The gateway is dropped first: without its Redis it would complain.
struct Place {
    gateway: Gateway,
    redis: Redis,
    /// Of the script.
    sha: String,
    /// How long a turn lasts.
    lasts: Duration,
}

/// CPU time used so far.
struct Usage {
    load: Duration,
    redis: Duration,
    gateway: Duration,
    machine: Machine,
}

/// Both kinds of Redis, or the one that was asked for.
pub(crate) async fn writes(flags: Writing) -> anyhow::Result<()> {
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
    let mut report = Report::new("writes", title, settings);
    report.compare(&[WRITES_PER_SECOND]);
    let (mut places, mut contestants) = (Vec::new(), Vec::new());
    for keeps in flags
        .keeps
        .map_or(vec![RedisKeeps::Memory, RedisKeeps::File], |keeps| {
            vec![keeps]
        })
    {
        let (name, options) = match keeps {
            RedisKeeps::Memory => ("in memory", &["--appendonly", "no"][..]),
            RedisKeeps::File => (
                "append-only file",
                &["--appendonly", "yes", "--appendfsync", "everysec"][..],
            ),
        };
        let base = contestants.len();
        report.contender(format!("redis-benchmark, {name}"), None);
        report.contender(format!("REST, {name}"), Some(base));
        contestants.extend([
            Writer::RedisBenchmark(places.len()),
            Writer::Rest(places.len()),
        ]);
        places
            .push(Place::new(&program, options, Duration::from_secs(flags.seconds.into())).await?);
    }
    take_turns(
        &mut report,
        rounds,
        &contestants,
        async |writer| match writer {
            Writer::RedisBenchmark(place) => places[*place].redis_benchmark_turn().await,
            Writer::Rest(place) => places[*place].rest_turn(),
        },
    )
    .await?;
    report.finish(flags.json.as_ref())
}

impl Place {
    async fn new(program: &Path, options: &[&str], lasts: Duration) -> anyhow::Result<Self> {
        let redis = Redis::start(options).await?;
        let gateway = Gateway::start(program, Some(&redis)).await?;
        let sha = populate(&gateway, &redis)?;
        Ok(Self {
            gateway,
            redis,
            sha,
            lasts,
        })
    }

    async fn redis_benchmark_turn(&self) -> anyhow::Result<Turn> {
        let before = self.usage()?;
        let writes = CEILING_WRITES_PER_SECOND * self.lasts.as_secs();
        let per_second = redis_benchmark(&self.redis, &self.sha, writes).await?;
        // Its own clock, which leaves its start out.
        let elapsed = Duration::from_secs_f64(writes as f64 / per_second);
        Ok(turn(writes, elapsed, &before, &self.usage()?))
    }

    fn rest_turn(&self) -> anyhow::Result<Turn> {
        let before = self.usage()?;
        let started = Instant::now();
        let request = people_of_numbers(Call::Replace, &self.gateway);
        let writes = burst(self.gateway.address, Call::Replace, request, PEOPLE, |_| {
            started.elapsed() < self.lasts
        })?;
        Ok(turn(writes, started.elapsed(), &before, &self.usage()?))
    }

    fn usage(&self) -> anyhow::Result<Usage> {
        Ok(Usage {
            load: cpu(std::process::id())? + cpu_of_ended_children()?,
            redis: cpu(self.redis.process.id())?,
            gateway: cpu(self.gateway.process.id())?,
            machine: Machine::now()?,
        })
    }
}

fn turn(writes: u64, elapsed: Duration, before: &Usage, after: &Usage) -> Turn {
    let used = |read: fn(&Usage) -> Duration| read(after).saturating_sub(read(before));
    let (load, redis, gateway) = (
        used(|usage| usage.load),
        used(|usage| usage.redis),
        used(|usage| usage.gateway),
    );
    let mut turn = Turn::default();
    turn.tell(WRITES_PER_SECOND, writes as f64 / elapsed.as_secs_f64());
    turn.tell_micros_each(REDIS_US_WRITE, Some(redis), writes);
    turn.tell_micros_each(GATEWAY_US_WRITE, Some(gateway), writes);
    turn.tell_micros_each(LOAD_US_WRITE, Some(load), writes);
    turn.tell_others(
        after
            .machine
            .others_since(&before.machine, load + redis + gateway),
        elapsed,
    );
    turn
}

/// Requests about the people whom [`id`] names.
fn people_of_numbers(call: Call, gateway: &Gateway) -> Request {
    let id = id(0);
    Request::new(call, gateway.address, &id[..id.len() - 12], None)
}

/// Loads the script, and makes the people who are saved over: those of the gateway and those of
/// redis-benchmark.
fn populate(gateway: &Gateway, redis: &Redis) -> anyhow::Result<String> {
    let request = people_of_numbers(Call::Create, gateway);
    let made = burst(gateway.address, Call::Create, request, PEOPLE, |sent| {
        sent < PEOPLE
    })?;
    ensure!(made == PEOPLE, "{made} people could be made");
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

/// The command as the store gives it. `expected` is `0` for a person who is not there, `*` for one
/// who is.
fn words<'a>(sha: &'a str, id: &'a str, expected: &'a str) -> [&'a str; 20] {
    let [meta, log, people, record, ids] = [
        "{ceiling.p0}:meta",
        "{ceiling.p0}:log",
        "{ceiling.p0}:people",
        "{ceiling.p0}:idem:",
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
        "EVALSHA", sha, "5", meta, log, people, record, ids, "S", id, PERSON, expected, tag, epoch,
        log_max, "", ttl, channel, "PUBLISH", time,
    ]
}

/// One turn of redis-benchmark; writes a second, as it tells them.
async fn redis_benchmark(redis: &Redis, sha: &str, writes: u64) -> anyhow::Result<f64> {
    // It puts twelve digits, at random below PEOPLE, where this word stands.
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
        .context("redis-benchmark says nothing")?;
    // The command comes first, in quotes, and may hold anything; seven numbers follow.
    let per_second = line
        .rsplit(',')
        .nth(6)
        .context("redis-benchmark says something else than expected")?;
    Ok(per_second.trim_matches('"').parse()?)
}

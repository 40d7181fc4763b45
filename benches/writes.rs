//! REST writes on Redis, against what `redis-benchmark` reaches with the very script that the gateway runs.
//!
//! Both save the same person of 300 bytes over one of 10,000 people, on the same redis-server, with 64 connections, in
//! turn. redis-benchmark writes under a prefix of its own, to whose channel nobody listens; the gateway also receives
//! and relays what its writes publish. `cargo bench --bench writes -- memory | file`

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::json;
use support::machine::{Machine, cpu, cpu_of_ended_children, undisturbed};
use support::person::{PERSON, id};
use support::poller::Poller;
use support::report::{Series, micros_each, say, table};
use support::rest::{Caller, Request};
use support::servers::{Gateway, Redis};

/// The script that the store loads.
const APPLY: &str = include_str!("../src/store/redis/scripts/apply.lua");
/// Connections of either load.
const CONNECTIONS: usize = 64;
/// People who are saved over and over.
const PEOPLE: u64 = 10_000;
/// How often each takes its turn.
const ROUNDS: usize = 7;
/// Writes of redis-benchmark in one turn; about three seconds.
const CEILING_WRITES: u64 = 100_000;
/// How long REST's turn takes.
const REST_TURN: Duration = Duration::from_secs(3);

/// CPU time used so far.
struct Usage {
    load: Duration,
    redis: Duration,
    gateway: Duration,
    machine: Machine,
}

/// What one turn took: CPU time in microseconds a write.
struct Turn {
    per_second: f64,
    redis_us: f64,
    gateway_us: f64,
    load_us: f64,
    others_percent: f64,
}

/// One contestant, turn by turn.
#[derive(Default)]
struct Record {
    per_second: Series,
    redis_us: Series,
    gateway_us: Series,
    load_us: Series,
    others_percent: Series,
}

impl Usage {
    fn now(gateway: &Gateway, redis: &Redis) -> anyhow::Result<Self> {
        Ok(Self {
            load: cpu(std::process::id())? + cpu_of_ended_children()?,
            redis: cpu(redis.process.id())?,
            gateway: cpu(gateway.process.id())?,
            machine: Machine::now()?,
        })
    }
}

impl Turn {
    fn new(writes: u64, elapsed: Duration, before: &Usage, after: &Usage) -> Self {
        let load = after.load.saturating_sub(before.load);
        let redis = after.redis.saturating_sub(before.redis);
        let gateway = after.gateway.saturating_sub(before.gateway);
        let others = after.machine.others_since(&before.machine, load + redis + gateway);
        Self {
            per_second: writes as f64 / elapsed.as_secs_f64(),
            redis_us: micros_each(redis, writes),
            gateway_us: micros_each(gateway, writes),
            load_us: micros_each(load, writes),
            others_percent: 100.0 * others.as_secs_f64() / elapsed.as_secs_f64(),
        }
    }
}

impl Record {
    fn add(&mut self, turn: &Turn) {
        self.per_second.push(turn.per_second);
        self.redis_us.push(turn.redis_us);
        self.gateway_us.push(turn.gateway_us);
        self.load_us.push(turn.load_us);
        self.others_percent.push(turn.others_percent);
    }

    fn row(&self, name: &str) -> Vec<String> {
        vec![
            name.to_owned(),
            format!("{:.0}", self.per_second),
            format!("{:.1}", self.redis_us),
            format!("{:.1}", self.gateway_us),
            format!("{:.1}", self.load_us),
            format!("{:.0}", self.others_percent),
        ]
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "writes_per_second": self.per_second.json(),
            "redis_us": self.redis_us.json(),
            "gateway_us": self.gateway_us.json(),
            "load_us": self.load_us.json(),
            "others_percent": self.others_percent.json(),
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let word = std::env::args().skip(1).find(|word| word != "--bench");
    if word.as_deref() != Some("file") {
        compare("in memory", &["--appendonly", "no"]).await?;
    }
    if word.as_deref() != Some("memory") {
        let options = ["--appendonly", "yes", "--appendfsync", "everysec"];
        compare("with an append-only file, fsync every second", &options).await?;
    }
    Ok(())
}

/// One redis-server with these options, and both contestants in turn.
async fn compare(name: &str, options: &[&str]) -> anyhow::Result<()> {
    let redis = Redis::start(options).await?;
    let gateway = Gateway::start(Some(&redis)).await?;
    let sha = populate(&gateway, &redis)?;
    let (mut ceiling, mut rest) = (Record::default(), Record::default());
    for _ in 0..ROUNDS {
        let others = |turn: &Turn| turn.others_percent;
        ceiling.add(&undisturbed(|| redis_benchmark_turn(&gateway, &redis, &sha), others)?);
        rest.add(&undisturbed(|| rest_turn(&gateway, &redis), others)?);
    }
    let ratio = rest.per_second.over(&ceiling.per_second);
    say(&format!(
        "\nREST writes, Redis {name}: {CONNECTIONS} connections, median (lowest-highest) of {ROUNDS} turns\n"
    ))?;
    let headings = ["", "writes/s", "Redis us/write", "gateway us/write", "load us/write", "CPU of others %"];
    table(&headings, &[ceiling.row("redis-benchmark"), rest.row("REST")])?;
    let line = json!({
        "benchmark": "writes", "redis": name, "ratio": ratio.json(),
        "redis_benchmark": ceiling.json(), "rest": rest.json(),
    });
    say(&format!("REST / redis-benchmark: {ratio:.2}\n{line}\n"))?;
    Ok(())
}

fn redis_benchmark_turn(gateway: &Gateway, redis: &Redis, sha: &str) -> anyhow::Result<Turn> {
    let before = Usage::now(gateway, redis)?;
    let per_second = redis_benchmark(redis, sha)?;
    // Its own clock, which leaves its start out.
    let elapsed = Duration::from_secs_f64(CEILING_WRITES as f64 / per_second);
    Ok(Turn::new(CEILING_WRITES, elapsed, &before, &Usage::now(gateway, redis)?))
}

fn rest_turn(gateway: &Gateway, redis: &Redis) -> anyhow::Result<Turn> {
    let before = Usage::now(gateway, redis)?;
    let started = Instant::now();
    let writes = call_rest(gateway, Request::replace(gateway.address), 200, |_| started.elapsed() < REST_TURN)?;
    Ok(Turn::new(writes, started.elapsed(), &before, &Usage::now(gateway, redis)?))
}

/// Loads the script, and makes the people who are saved over: those of the gateway and those of redis-benchmark.
fn populate(gateway: &Gateway, redis: &Redis) -> anyhow::Result<String> {
    call_rest(gateway, Request::create(gateway.address), 201, |sent| sent < PEOPLE)?;
    let mut connection = redis.connect()?;
    let sha: String = redis::cmd("SCRIPT").arg("LOAD").arg(APPLY).query(&mut connection)?;
    for number in 0..PEOPLE {
        let mut pipeline = redis::pipe();
        let words = words(&sha, &id(number), "0").map(str::to_owned);
        pipeline.cmd(&words[0]).arg(&words[1..]);
        pipeline.exec(&mut connection)?;
    }
    Ok(sha)
}

/// The command as the store gives it. `expected` is `0` for a person who is not there, `*` for one who is.
fn words<'a>(sha: &'a str, id: &'a str, expected: &'a str) -> [&'a str; 20] {
    let [meta, log, people, record, ids] =
        ["{ceiling.p0}:meta", "{ceiling.p0}:log", "{ceiling.p0}:people", "{ceiling.p0}:idem:", "{ceiling.p0}:ids"];
    let (tag, epoch, log_max, ttl, time) =
        ("9e3779b97f4a7c15", "c2b2ae3d27d4eb4f", "100000", "86400000", "1795342200123");
    let channel = "{ceiling.p0}:changes:0";
    [
        "EVALSHA", sha, "5", meta, log, people, record, ids, "S", id, PERSON, expected, tag, epoch, log_max, "", ttl,
        channel, "PUBLISH", time,
    ]
}

/// One turn of redis-benchmark; writes a second, as it tells them.
fn redis_benchmark(redis: &Redis, sha: &str) -> anyhow::Result<f64> {
    // It puts twelve digits, at random below PEOPLE, where this word stands.
    let id = id(0).replace("000000000000", "__rand_int__");
    let output = Command::new("redis-benchmark")
        .args(["--csv", "-p", &redis.port.to_string(), "-c", &CONNECTIONS.to_string()])
        .args(["-n", &CEILING_WRITES.to_string(), "-r", &PEOPLE.to_string()])
        .args(words(sha, &id, "*"))
        .stderr(Stdio::inherit())
        .output()
        .context("redis-benchmark is part of redis-tools")?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().last().context("redis-benchmark says nothing")?;
    // The command comes first, in quotes, and may hold anything; seven numbers follow.
    let per_second = line.rsplit(',').nth(6).context("redis-benchmark says something else than expected")?;
    Ok(per_second.trim_matches('"').parse()?)
}

/// Sends requests for random people, each connection the next as soon as it has its answer, as long as `more` says so of
/// the number sent; returns how many were answered, each with `status`. Setting up people, they are taken in order.
fn call_rest(gateway: &Gateway, mut request: Request, status: u16, more: impl Fn(u64) -> bool) -> anyhow::Result<u64> {
    let mut poller = Poller::new()?;
    let mut callers = (0..CONNECTIONS).map(|_| Caller::connect(gateway.address)).collect::<Result<Vec<_>, _>>()?;
    let mut sent = 0;
    for (number, caller) in callers.iter_mut().enumerate() {
        poller.add(&caller.stream, number)?;
        caller.send(request.of(sent))?;
        sent += 1;
    }
    let (mut answered, mut ready) = (0, Vec::new());
    while answered < sent {
        poller.wait(Duration::from_secs(10), &mut ready)?;
        ensure!(!ready.is_empty(), "no answer for ten seconds");
        for number in &ready {
            let caller = &mut callers[*number];
            let Some(answer) = caller.receive()? else { continue };
            ensure!(answer == status, "an answer has status {answer}");
            answered += 1;
            if more(sent) {
                caller.send(request.of(sent % PEOPLE))?;
                sent += 1;
            }
        }
    }
    Ok(answered)
}

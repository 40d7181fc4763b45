//! The workloads: who takes part, for how long, and what is told of it.

use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::contest::{Contestant, Load, Turn, turn};
use crate::floor::Writes;
use crate::load::{Pace, Plan};
use crate::support::machine::{resident_bytes, undisturbed};
use crate::support::report::{Series, micros_each, say, table};

/// How often each contestant takes its turn.
const ROUNDS: usize = 3;
/// Clients of the fan-out.
const CLIENTS: usize = 1000;
/// Clients that do nothing.
const IDLE_CLIENTS: usize = 10_000;
/// What a server has to come to rest after the last of them came, and to have pinged all of them once more.
const IDLE_REST: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(17)];

/// 1,000 clients, 20 changes a second.
pub(crate) fn fanout() -> anyhow::Result<()> {
    let contestants = [Contestant::Floor(Writes::Each), Contestant::Embedded, Contestant::Redis];
    let plan = Plan::Changes { pace: Pace::PerSecond(20), warm_up: 40, measured: 200 };
    deliveries("fanout", "20 changes a second", &contestants, plan)
}

/// 1,000 clients, the next change as soon as fewer than 8 are on their way.
pub(crate) fn flood() -> anyhow::Result<()> {
    let contestants =
        [Contestant::Floor(Writes::Together), Contestant::Floor(Writes::Each), Contestant::Embedded, Contestant::Redis];
    let plan = Plan::Changes { pace: Pace::InFlight(8), warm_up: 500, measured: 3000 };
    deliveries("flood", "8 changes in flight", &contestants, plan)
}

/// What a connection costs that nothing happens on.
pub(crate) fn idle() -> anyhow::Result<()> {
    raise_open_files()?;
    runtime()?.block_on(async {
        let contestants = [Contestant::Embedded, Contestant::Redis, Contestant::Floor(Writes::Each)];
        let mut kib = contestants.map(|_| IDLE_REST.map(|_| Series::default()));
        for _ in 0..ROUNDS {
            for (contestant, series) in contestants.iter().zip(&mut kib) {
                let server = contestant.start().await?;
                let before = resident_bytes(server.id)?;
                let _load = Load::start(server.address, IDLE_CLIENTS, Plan::Idle)?;
                for (rest, series) in IDLE_REST.iter().zip(series) {
                    sleep(*rest).await;
                    let grown = resident_bytes(server.id)?.saturating_sub(before);
                    series.push(grown as f64 / 1024.0 / IDLE_CLIENTS as f64);
                }
            }
        }
        say(&format!(
            "\nidle: {IDLE_CLIENTS} clients, KiB of resident memory each, median (lowest-highest) of {ROUNDS}\n"
        ))?;
        let named = || contestants.iter().zip(&kib);
        let rows = named().map(|(who, [at_rest, pinged])| {
            vec![who.name().to_owned(), format!("{at_rest:.2}"), format!("{pinged:.2}")]
        });
        table(&["", "at rest", "after a round of pings"], &rows.collect::<Vec<_>>())?;
        let rows = named().map(|(who, [at_rest, pinged])| {
            json!({"name": who.name(), "kib_at_rest": at_rest.json(), "kib_after_pings": pinged.json()})
        });
        let line = json!({"benchmark": "idle", "clients": IDLE_CLIENTS, "contestants": rows.collect::<Vec<_>>()});
        say(&format!("{line}\n"))?;
        Ok(())
    })
}

/// One contestant over all rounds.
#[derive(Default)]
struct Record {
    server_us: Series,
    egress_us: Series,
    redis_us: Series,
    load_us: Series,
    per_second: Series,
    frame_bytes: Series,
    others_percent: Series,
}

impl Record {
    fn add(&mut self, turn: &Turn) {
        let seconds = turn.elapsed.as_secs_f64();
        self.server_us.push(micros_each(turn.spent.server, turn.deliveries));
        self.egress_us.push(micros_each(turn.spent.egress, turn.deliveries));
        self.redis_us.push(micros_each(turn.spent.redis, turn.deliveries));
        self.load_us.push(micros_each(turn.spent.load, turn.deliveries));
        self.per_second.push(turn.deliveries as f64 / seconds);
        self.frame_bytes.push(turn.bytes as f64 / turn.deliveries as f64);
        self.others_percent.push(turn.others_percent());
    }

    fn row(&self, name: &str, ratio: &Series) -> Vec<String> {
        vec![
            name.to_owned(),
            format!("{:.2}", self.server_us),
            format!("{ratio:.2}"),
            format!("{:.2}", self.egress_us),
            format!("{:.2}", self.redis_us),
            format!("{:.2}", self.load_us),
            format!("{:.0}", self.per_second),
            format!("{:.0}", self.frame_bytes.median()),
            format!("{:.0}", self.others_percent),
        ]
    }

    fn json(&self, name: &str, ratio: &Series) -> Value {
        json!({
            "name": name,
            "server_us_per_delivery": self.server_us.json(),
            "times_the_floor": ratio.json(),
            "egress_us_per_delivery": self.egress_us.json(),
            "redis_us_per_delivery": self.redis_us.json(),
            "load_us_per_delivery": self.load_us.json(),
            "deliveries_per_second": self.per_second.json(),
            "frame_bytes": self.frame_bytes.median(),
            "others_percent": self.others_percent.json(),
        })
    }
}

/// Lets the contestants take turns at a plan; the first of them is what the others are compared with.
fn deliveries(name: &str, pace: &str, contestants: &[Contestant], plan: Plan) -> anyhow::Result<()> {
    raise_open_files()?;
    let mut records: Vec<Record> = contestants.iter().map(|_| Record::default()).collect();
    let runtime = runtime()?;
    for _ in 0..ROUNDS {
        for (contestant, record) in contestants.iter().zip(&mut records) {
            let turn = undisturbed(|| runtime.block_on(turn(*contestant, CLIENTS, plan)), Turn::others_percent);
            record.add(&turn.with_context(|| contestant.name())?);
        }
    }
    let ratio = |record: &Record| record.server_us.over(&records[0].server_us);
    let named = || contestants.iter().map(|contestant| contestant.name()).zip(&records);
    say(&format!(
        "\n{name}: {CLIENTS} clients, {pace}, median (lowest-highest) of {ROUNDS}; us of CPU per delivery\n"
    ))?;
    let headings =
        ["", "server us", "x floor", "of it egress", "Redis us", "load us", "deliveries/s", "bytes", "CPU of others %"];
    table(&headings, &named().map(|(name, record)| record.row(name, &ratio(record))).collect::<Vec<_>>())?;
    let rows: Vec<Value> = named().map(|(name, record)| record.json(name, &ratio(record))).collect();
    say(&format!("{}\n", json!({"benchmark": name, "clients": CLIENTS, "contestants": rows})))?;
    Ok(())
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// As many files as the machine allows; children inherit it.
fn raise_open_files() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

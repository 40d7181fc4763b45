//! A gateway with thousands of live clients is killed. All of them resume at another gateway at
//! once, while writes go on.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use people_client::Cursor;
use people_gateway::domain::{Change, LogPosition, Partition};
use people_gateway::filter::{Kinds, View};
use people_gateway::rights::Scope;
use people_testing::people::verdict_name;
use people_testing::process::Gateway;
use people_testing::wait::eventually;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Mutex;

use super::set;
use crate::checks::RunReport;
use crate::clients::{Changes, Crowd, Kind, Member, Violation};
use crate::world::{Case, World, heads};

/// The clients, where the limit of open files allows it.
const CLIENTS: usize = 10_000;
/// Open files that are no clients: of other runs of this process, too.
const OTHER_FILES: usize = 2_048;
/// Filters of the clients. Each concerns few changes: their deliveries are not what is tested.
const FILTERS: usize = 75;
/// Positions for 10,000 clients more seldom than for few.
const SETTINGS: &[(&str, &str)] = &[("live.position_interval_ms", "2000")];

/// One run at a time: the limit of open files is that of the process.
static TURN: Mutex<()> = Mutex::const_new(());

pub(super) async fn at_once(case: Case) -> RunReport {
    let _turn = TURN.lock().await;
    let clients = CLIENTS.min(open_files().saturating_sub(OTHER_FILES));
    let (redis, mut stage) = set(&case, SETTINGS).await;
    // The clients of the gateway that is killed go to the others.
    stage.world.allowed.closes = true;
    stage.world.close_codes = Some(&[0]);
    let addresses: Vec<_> = stage
        .world
        .nodes
        .iter()
        .map(|it| it.gateway.address)
        .collect();
    let filters: Vec<String> = (0..FILTERS)
        .map(|n| format!("age >= {} && age < {}", 2 * n, 2 * n + 2))
        .collect();
    let crowd = Crowd::start(clients, &filters, &addresses);
    live(&crowd, 1).await;
    stage.world.load_goes_on(100).await;

    let (store, taker) = (redis.port().into(), 1);
    let [reads_before, _] = log_reads(&stage.world.nodes[taker].gateway).await;
    let written_before = stage.world.history(&store).await.len();
    let killed_at = Instant::now();
    stage.world.nodes[0].gateway.kill9();
    let starts = starts(&crowd);
    live(&crowd, 2).await;
    let live_after = killed_at.elapsed();
    let [reads, of_relay] = log_reads(&stage.world.nodes[taker].gateway).await;
    let reads = reads - reads_before;
    let written = stage.world.history(&store).await.len() - written_before;
    stage.world.nodes[0].gateway.restart().await;
    stage.world.nodes[0].gateway.wait_ready().await;
    stage.world.load_goes_on(50).await;

    let mut violations = Vec::new();
    let mut report = stage
        .end_after(async |world: &World| {
            let log = world.history(&store).await;
            violations = compare(&crowd, &filters, &log).await;
            drop(crowd);
        })
        .await;
    // A short ring does not reach, and the log is read: once for all clients that stand at one
    // place, and again after each change, because it moved the ring.
    let limit = if case.is_tight() {
        (starts * (1 + written)).min(clients / 4)
    } else {
        usize::from(case.partitions)
    };
    if reads > limit as u64 {
        let what = format!("{reads} reads of the log, and {limit} would have been enough");
        violations.push(Violation::new(Kind::Refused, what));
    }
    report.violations.extend(violations);
    let toy = if clients < CLIENTS {
        format!(", because the limit of open files allows no {CLIENTS}")
    } else {
        String::new()
    };
    report.notes.push(format!(
        "{clients} clients{toy}, at {starts} places of the logs: live again after {:.2} s, with \
         {reads} reads of the log ({of_relay} of the relay's own)",
        live_after.as_secs_f64()
    ));
    report
}

/// Waits until every client has been live so many times.
async fn live(crowd: &Crowd, times: usize) {
    let wanted = crowd.count(|_| true);
    eventually("all clients are live", async || {
        crowd.count(|member| member.is_live && member.lives >= times) == wanted
    })
    .await;
}

/// Reads of logs for which this gateway asked Redis, and the times that its relay asked.
async fn log_reads(gateway: &Gateway) -> [u64; 2] {
    let name = "redis_command_duration_seconds_count";
    let all = gateway.count_at(name, r#"command="since""#).await;
    [all, gateway.count("relay_heals_total").await]
}

/// The places in the logs at which the clients stand.
fn starts(crowd: &Crowd) -> usize {
    let cursors = crowd.members().filter_map(|member| member.cursor);
    let places = cursors.flat_map(|cursor| cursor.log_positions().collect::<Vec<_>>());
    places.collect::<HashSet<LogPosition>>().len()
}

/// Each client has received each change of its filter since its first `live`, once.
async fn compare(crowd: &Crowd, filters: &[String], log: &[Change]) -> Vec<Violation> {
    let heads = heads(log);
    let is_at_heads = |member: &Member| {
        let cursor = member.cursor.as_ref();
        heads
            .values()
            .all(|at| cursor.and_then(|it| it.get(at.partition)) == Some(at.position))
    };
    let all = crowd.count(|_| true);
    eventually("every client has reached the heads", async || {
        crowd.count(is_at_heads) == all
    })
    .await;
    let expected: Vec<_> = filters.iter().map(|filter| verdicts(filter, log)).collect();
    crowd
        .members()
        .filter_map(|member| wrong(&member, &expected[member.filter]))
        .collect()
}

/// What a client saw that it should not have seen.
fn wrong(member: &Member, verdicts: &[(LogPosition, &str)]) -> Option<Violation> {
    let first = member.first.as_ref();
    let first: BTreeMap<Partition, u64> = first
        .into_iter()
        .flat_map(Cursor::log_positions)
        .map(|at| (at.partition, at.position.seq.get()))
        .collect();
    let mut expected = Changes::default();
    for (at, verdict) in verdicts {
        if first
            .get(&at.partition)
            .is_some_and(|first| at.position.seq.get() > *first)
        {
            expected.add(*at, verdict);
        }
    }
    let (kind, what) = if let Some(disorder) = &member.disorder {
        (Kind::Reordered, disorder.clone())
    } else if member.resets > 0 {
        (Kind::Reset, format!("{} resets", member.resets))
    } else if !member.closes.is_empty() {
        (Kind::Refused, format!("closed {:?}", member.closes))
    } else if member.changes != expected {
        let kind = match member.changes.count.cmp(&expected.count) {
            std::cmp::Ordering::Less => Kind::Lost,
            std::cmp::Ordering::Equal => Kind::WrongView,
            std::cmp::Ordering::Greater => Kind::Doubled,
        };
        let received = member.changes.count;
        (
            kind,
            format!(
                "{received} changes instead of {}, or others",
                expected.count
            ),
        )
    } else {
        return None;
    };
    Some(Violation::new(kind, what).seen_by("a client of 10,000"))
}

/// The changes that concern a filter, and what each is to it.
fn verdicts(filter: &str, log: &[Change]) -> Vec<(LogPosition, &'static str)> {
    let view = View {
        kinds: Kinds::All,
        filter: Scope::everything().filter(filter).expect("a filter"),
    };
    let all = log.iter();
    all.filter_map(|change| Some((change.at, verdict_name(view.verdict_of(change))?)))
        .collect()
}

/// Raises the limit of open files as far as it goes, and returns it.
fn open_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("up to the hard limit anybody may");
    limit.maximum.map_or(usize::MAX, |most| {
        usize::try_from(most).unwrap_or(usize::MAX)
    })
}

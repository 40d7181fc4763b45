//! Saves on the embedded store, at the Store trait: group commit with 64 savers, compared with one.
//!
//! `cargo bench --bench embedded`

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use people_bench::person::{PERSON, id};
use people_bench::series::Series;
use people_gateway::domain::{FieldsJson, Partitions, PersonId, Timestamp};
use people_gateway::store::Metrics;
use people_gateway::store::embedded::{EmbeddedStore, Options};
use people_gateway::store::{Retention, Store, Write, WriteOutcome};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// The number of simultaneous savers.
const SAVERS: u64 = 64;
/// The people that each saver saves repeatedly.
const PEOPLE_EACH: u64 = 100;
/// The number of turns of one saver and of many.
const ROUNDS: usize = 5;
/// The length of a turn.
const TURN: Duration = Duration::from_secs(3);

#[derive(Default)]
struct SaverFigures {
    saves_per_second: Series,
    saves_per_commit: Series,
}

impl SaverFigures {
    fn line(&self, name: &str) -> String {
        let Self {
            saves_per_second,
            saves_per_commit,
        } = self;
        format!("{name}: {saves_per_second:.0} saves/s, {saves_per_commit:.1} saves a commit")
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "saves_per_second": self.saves_per_second.json(),
            "saves_per_commit": self.saves_per_commit.json(),
        })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // On the disk of the build: a temporary folder may be in memory, which needs no syncing.
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let retention = Retention {
        log_max: NonZeroUsize::MIN.saturating_add(99_999),
        idempotency_ttl: Duration::from_secs(24 * 60 * 60),
    };
    let metrics = Metrics::default();
    let options = Options {
        metrics: metrics.clone(),
        ..Options::new(folder.path(), Partitions::ONE, retention)
    };
    let store: Arc<dyn Store> = EmbeddedStore::open(options)?;
    let (mut one, mut many) = (SaverFigures::default(), SaverFigures::default());
    for _ in 0..ROUNDS {
        turn(&store, &metrics, 1, &mut one).await?;
        turn(&store, &metrics, SAVERS, &mut many).await?;
    }
    let ratio = many.saves_per_second.over(&one.saves_per_second);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "\nSaves on the embedded store, median (lowest-highest) of {ROUNDS} turns"
    )?;
    writeln!(
        out,
        "{}\n{}",
        one.line("1 saver"),
        many.line(&format!("{SAVERS} savers"))
    )?;
    let line = json!({
        "benchmark": "embedded", "ratio": ratio.json(), "one": one.json(), "many": many.json(),
    });
    writeln!(out, "{SAVERS} savers / 1 saver: {ratio:.2}\n{line}")?;
    Ok(())
}

/// Runs savers for one turn, each with one save after the other.
async fn turn(
    store: &Arc<dyn Store>,
    metrics: &Metrics,
    savers: u64,
    figures: &mut SaverFigures,
) -> anyhow::Result<()> {
    let before = (metrics.store_writes.get(), metrics.store_batches.get());
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for saver in 0..savers {
        tasks.spawn(save_until(Arc::clone(store), saver, started + TURN));
    }
    let mut saved = 0;
    while let Some(ended) = tasks.join_next().await {
        saved += ended??;
    }
    let elapsed = started.elapsed();
    let (writes, commits) = (
        metrics.store_writes.get() - before.0,
        metrics.store_batches.get() - before.1,
    );
    ensure!(
        writes == saved,
        "{writes} writes were counted, {saved} were made"
    );
    figures
        .saves_per_second
        .push(saved as f64 / elapsed.as_secs_f64());
    figures.saves_per_commit.push(saved as f64 / commits as f64);
    Ok(())
}

async fn save_until(store: Arc<dyn Store>, saver: u64, end: Instant) -> anyhow::Result<u64> {
    let fields = FieldsJson::from_stored(PERSON)?;
    let mut count = 0;
    while Instant::now() < end {
        let id: PersonId = id(saver * PEOPLE_EACH + count % PEOPLE_EACH).parse()?;
        let time = Timestamp::from_millis(1_795_342_200_123);
        let applied = store.apply(Write::save(id, fields.clone(), time)).await?;
        ensure!(
            matches!(applied, WriteOutcome::Done { .. }),
            "a save was answered with {applied:?}"
        );
        count += 1;
    }
    Ok(count)
}

//! The heads of all logs, and whether the keys beside them agree: what the store is asked every
//! second.

use std::sync::atomic::Ordering;

use ::redis::{Pipeline, Value, pipe};

use super::failure::Failure;
use super::{RedisStore, migrate, reply, wiped_again};
use crate::domain::{Partition, PersonId, Position, Seq};
use crate::store::damage::note_person;
use crate::store::{CorruptRecord, StoreError};
use crate::telemetry::DamageAt;

/// Partitions that are counted with one probe.
const COUNTED: usize = 16;
/// Members of a list of ids whose scores are set right at once.
const EVEN_AT_ONCE: usize = 1_000;

/// A question beside the heads, whose answer is worth having and not needed.
enum Aside {
    Count(Partition),
    Person(Partition, PersonId),
    Entry(Partition, Seq),
}

impl RedisStore {
    /// The heads; writes layout and genesis again where they are missing.
    pub(super) async fn proved_heads(&self) -> Result<Vec<Position>, StoreError> {
        if let Some(heads) = self.heads().await? {
            return Ok(heads);
        }
        self.restore().await?;
        self.heads().await?.ok_or_else(wiped_again)
    }

    /// Whether the list of ids has this one.
    pub(super) async fn is_listed(&self, id: PersonId) -> Result<bool, StoreError> {
        Ok(!reply::list(self.ask(self.commands.listed(id)).await?)?.is_empty())
    }

    /// Gives all members of a list of ids the same score, without which their order is broken.
    pub(super) async fn even(&self, partition: Partition) -> Result<(), StoreError> {
        tracing::warn!(
            %partition,
            "scores of the list of ids differ; setting them to 0, as all should be"
        );
        let mut pipeline = pipe();
        pipeline.add_command(self.commands.even(partition, EVEN_AT_ONCE));
        while !matches!(self.first(&pipeline).await?, Value::Int(0)) {}
        Ok(())
    }

    pub(super) async fn restore(&self) -> Result<(), StoreError> {
        tracing::warn!("layout or log heads are missing; writing them again");
        let pipeline = migrate::restore(&self.commands.keys, self.commands.partitions);
        self.ask_alone(&pipeline, pipeline.len()).await.map(drop)
    }

    /// Heads in partition order; none where one of them, or the layout, is missing.
    async fn heads(&self) -> Result<Option<Vec<Position>>, StoreError> {
        let keys = &self.commands.keys;
        let mut pipeline = pipe();
        for partition in keys.partitions() {
            pipeline
                .cmd("HMGET")
                .arg(&partition.meta)
                .arg("e")
                .arg("s")
                .arg("t");
        }
        pipeline.cmd("HGET").arg(&keys.layout).arg("partitions");
        pipeline.cmd("INFO").arg("replication");
        let needed = pipeline.len();
        pipeline.cmd("PUBLISH").arg(&keys.probe).arg("");
        let asides = self.asides(&mut pipeline);
        // Counted before it can arrive, and taken back where it was not published.
        self.probes.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.ask_alone(&pipeline, needed).await.inspect_err(|_| {
            self.probes.fetch_sub(1, Ordering::Relaxed);
        })?;
        let beside = answers.split_off(needed + 1);
        self.note_probe(answers.pop().and_then(Result::err));
        self.check_role(&answers.pop().transpose()?.unwrap_or(Value::Nil))?;
        let layout = answers.pop().transpose()?.unwrap_or(Value::Nil);
        self.check_layout(&layout)?;
        self.note_asides(asides, beside);
        let heads = answers
            .into_iter()
            .map(|answer| reply::head_of(answer?))
            .collect::<Result<Option<Vec<_>>, _>>()?;
        Ok(heads.filter(|_| layout != Value::Nil))
    }

    /// Adds the questions beside the heads: a few partitions are counted, in turn, and what is
    /// known to be damaged is looked at again.
    fn asides(&self, pipeline: &mut Pipeline) -> Vec<Aside> {
        let commands = &self.commands;
        let count = usize::from(commands.partitions.get());
        let first = self.counted_next.fetch_add(COUNTED, Ordering::Relaxed);
        let mut asides = Vec::new();
        let all: Vec<Partition> = commands.partitions.iter().collect();
        for partition in all
            .into_iter()
            .cycle()
            .skip(first % count)
            .take(COUNTED.min(count))
        {
            pipeline.add_command(commands.count(partition));
            asides.push(Aside::Count(partition));
        }
        for damage in self.damages().known() {
            match damage {
                DamageAt::Person(partition, id) => {
                    pipeline
                        .add_command(commands.get(id))
                        .add_command(commands.listed(id));
                    asides.push(Aside::Person(partition, id));
                }
                DamageAt::Entry(partition, seq) => {
                    pipeline
                        .add_command(commands.entry(partition, None))
                        .add_command(commands.entry(partition, Some(seq)));
                    asides.push(Aside::Entry(partition, seq));
                }
                DamageAt::Ids(_) | DamageAt::Log(_) | DamageAt::History(_) => {}
            }
        }
        asides
    }

    /// Takes note of what the answers beside the heads tell. One that is missing or refused tells
    /// nothing.
    fn note_asides(&self, asides: Vec<Aside>, answers: Vec<Result<Value, Failure>>) {
        let mut answers = answers.into_iter();
        for aside in asides {
            match aside {
                Aside::Count(partition) => {
                    if let Some(Ok(answer)) = answers.next() {
                        self.note_count(partition, answer);
                    }
                }
                Aside::Person(partition, id) => {
                    let (Some(Ok(record)), Some(Ok(listed))) = (answers.next(), answers.next())
                    else {
                        continue;
                    };
                    let is_listed = !matches!(&listed, Value::Array(ids) if ids.is_empty());
                    let damage = match reply::person(id, &record) {
                        Ok(None) if is_listed => Some(CorruptRecord::Missing),
                        read => read.err(),
                    };
                    note_person(self.damages(), partition, id, damage.as_ref());
                }
                Aside::Entry(partition, seq) => {
                    let (Some(Ok(oldest)), Some(Ok(entry))) = (answers.next(), answers.next())
                    else {
                        continue;
                    };
                    let read = |answer| reply::entry(partition, answer).ok();
                    let is_trimmed =
                        matches!(read(oldest), Some(Some((Some(oldest), _))) if oldest > seq);
                    let is_sound = match read(entry) {
                        Some(Some((at, entry))) => at == Some(seq) && entry.is_ok(),
                        Some(None) => true,
                        None => false,
                    };
                    if is_trimmed || is_sound {
                        self.damages().mended(DamageAt::Entry(partition, seq));
                    }
                }
            }
        }
    }

    /// What count.lua found of a partition.
    fn note_count(&self, partition: Partition, answer: Value) {
        let Value::Array(parts) = answer else { return };
        let [Value::Int(records), Value::Int(ids), head, last] = &parts[..] else {
            if !self.count_refused.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "the user may not run hlen and zcard: a list of ids that lost people is not \
                     noticed"
                );
            }
            return;
        };
        self.note(DamageAt::Ids(partition), records != ids, || {
            format!("it names {ids} people, and there are {records} records")
        });
        let number = |value: &Value| match value {
            Value::BulkString(bytes) => String::from_utf8_lossy(bytes)
                .trim_end_matches("-0")
                .to_owned(),
            _ => String::new(),
        };
        let (head, last) = (number(head), number(last));
        let agrees = head.is_empty() || head == last || (head == "0" && last.is_empty());
        self.note(DamageAt::Log(partition), !agrees, || {
            format!("it ends with entry {last:?}, and its head is {head}")
        });
    }

    fn note(&self, at: DamageAt, is_damaged: bool, detail: impl FnOnce() -> String) {
        if is_damaged {
            self.damages().found(at, &detail());
        } else {
            self.damages().mended(at);
        }
    }

    /// A server that was made a replica serves what it last heard, perhaps for ever: its heads
    /// prove nothing, and whoever is connected to it has to look for the master again.
    fn check_role(&self, replication: &Value) -> Result<(), StoreError> {
        if reply::is_replica(replication) {
            self.connections.renew();
            return Err(StoreError::Unavailable(
                "the server has become a replica".to_owned(),
            ));
        }
        Ok(())
    }

    /// A deployment that was wiped and laid out anew with another number of partitions is not ours
    /// any more.
    fn check_layout(&self, partitions: &Value) -> Result<(), StoreError> {
        let ours = self.commands.partitions.get();
        match partitions {
            Value::Nil => Ok(()),
            Value::BulkString(there) if there == ours.to_string().as_bytes() => Ok(()),
            _ => Err(StoreError::Corrupt(format!(
                "the layout no longer has the {ours} partitions of store.partitions"
            ))),
        }
    }

    fn note_probe(&self, refused: Option<Failure>) {
        if refused.is_some() {
            self.probes.fetch_sub(1, Ordering::Relaxed);
        }
        let was_refused = self
            .probe_refused
            .swap(refused.is_some(), Ordering::Relaxed);
        if let Some(why) = refused
            && !was_refused
        {
            tracing::warn!(
                ?why,
                "the probe could not be published: this gateway will not get ready"
            );
        }
    }
}

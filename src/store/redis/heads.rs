//! The probe of every second: it reads the heads of all logs, and compares the keys of a few
//! partitions.

use std::sync::atomic::Ordering;

use ::redis::{Cmd, Pipeline, Value, pipe};

use super::connection::CommandFailure;
use super::store::RedisStore;
use super::{migration, reply};
use crate::domain::{Partition, PersonId, Position, Seq};
use crate::store::damage::note_person;
use crate::store::{CorruptRecord, DamageLocation, StoreError};

/// Partitions whose keys one probe compares.
const COUNTED: usize = 16;
/// Members of a list of ids whose scores one call sets.
const EVEN_AT_ONCE: usize = 1_000;

/// An optional question of a probe: a missing answer is no failure.
enum SideQuestion {
    Count(Partition),
    Person(Partition, PersonId),
    Entry(Partition, Seq),
}

impl RedisStore {
    /// The heads; first restores layout and genesis where they are missing.
    pub(super) async fn proved_heads(&self) -> Result<Vec<Position>, StoreError> {
        if let Some(heads) = self.heads().await? {
            return Ok(heads);
        }
        self.restore().await?;
        self.heads().await?.ok_or_else(wiped_again)
    }

    /// Asks a script that reads a head. If the log has no genesis, restores it and asks again.
    pub(super) async fn ask_with_head<T>(
        &self,
        command: Cmd,
        read: impl Fn(Value) -> Result<Option<T>, StoreError> + Send + Sync,
    ) -> Result<T, StoreError> {
        let mut pipeline = pipe();
        pipeline.add_command(command);
        if let Some(answer) = read(self.executor.first(&pipeline).await?)? {
            return Ok(answer);
        }
        self.restore().await?;
        read(self.executor.first(&pipeline).await?)?.ok_or_else(wiped_again)
    }

    /// Whether the list of ids has this id.
    pub(super) async fn is_listed(&self, id: PersonId) -> Result<bool, StoreError> {
        Ok(!reply::list(self.executor.ask(self.commands.listed(id)).await?)?.is_empty())
    }

    /// Sets the score of all members of a list of ids to 0; with other scores they are out of
    /// order.
    pub(super) async fn even(&self, partition: Partition) -> Result<(), StoreError> {
        tracing::warn!(
            %partition,
            "scores of the list of ids differ; setting all of them to 0"
        );
        let mut pipeline = pipe();
        pipeline.add_command(self.commands.even(partition, EVEN_AT_ONCE));
        while !matches!(self.executor.first(&pipeline).await?, Value::Int(0)) {}
        Ok(())
    }

    /// Writes layout and genesis where they are missing.
    pub(super) async fn restore(&self) -> Result<(), StoreError> {
        tracing::warn!("layout or log heads are missing; writing them again");
        let pipeline = migration::restore(&self.commands.keys, self.commands.partitions);
        self.executor
            .ask_alone(&pipeline, pipeline.len())
            .await
            .map(drop)
    }

    /// Heads in partition order; none if one of them, or the layout, is missing.
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
        let questions = self.side_questions(&mut pipeline);
        // Counted before the probe can arrive, and taken back if it was not published.
        self.probes.fetch_add(1, Ordering::Relaxed);
        let asked = self.executor.ask_alone(&pipeline, needed).await;
        let mut answers = asked.inspect_err(|_| {
            self.probes.fetch_sub(1, Ordering::Relaxed);
        })?;
        let beside = answers.split_off(needed + 1);
        self.note_probe(answers.pop().and_then(Result::err));
        self.check_role(&answers.pop().transpose()?.unwrap_or(Value::Nil))?;
        let layout = answers.pop().transpose()?.unwrap_or(Value::Nil);
        self.check_layout(&layout)?;
        self.note_answers(questions, beside);
        let heads = answers
            .into_iter()
            .map(|answer| reply::head_of(answer?))
            .collect::<Result<Option<Vec<_>>, _>>()?;
        Ok(heads.filter(|_| layout != Value::Nil))
    }

    /// Adds the optional questions: the counts of a few partitions, in turn, and the state of
    /// everything that is known to be damaged.
    fn side_questions(&self, pipeline: &mut Pipeline) -> Vec<SideQuestion> {
        let commands = &self.commands;
        let count = usize::from(commands.partitions.get());
        let first = self.counted_next.fetch_add(COUNTED, Ordering::Relaxed);
        let mut questions = Vec::new();
        let all: Vec<Partition> = commands.partitions.iter().collect();
        for partition in all
            .into_iter()
            .cycle()
            .skip(first % count)
            .take(COUNTED.min(count))
        {
            pipeline.add_command(commands.count(partition));
            questions.push(SideQuestion::Count(partition));
        }
        for damage in self.damage().known() {
            match damage {
                DamageLocation::Person(partition, id) => {
                    pipeline
                        .add_command(commands.get(id))
                        .add_command(commands.listed(id));
                    questions.push(SideQuestion::Person(partition, id));
                }
                DamageLocation::Entry(partition, seq) => {
                    pipeline
                        .add_command(commands.entry(partition, None))
                        .add_command(commands.entry(partition, Some(seq)));
                    questions.push(SideQuestion::Entry(partition, seq));
                }
                DamageLocation::Ids(_) | DamageLocation::Log(_) | DamageLocation::History(_) => {}
            }
        }
        questions
    }

    /// Notes the answers to the optional questions. A missing or refused one changes nothing.
    fn note_answers(
        &self,
        questions: Vec<SideQuestion>,
        answers: Vec<Result<Value, CommandFailure>>,
    ) {
        let mut answers = answers.into_iter();
        for question in questions {
            match question {
                SideQuestion::Count(partition) => {
                    if let Some(Ok(answer)) = answers.next() {
                        self.note_count(partition, answer);
                    }
                }
                SideQuestion::Person(partition, id) => {
                    let (Some(Ok(record)), Some(Ok(listed))) = (answers.next(), answers.next())
                    else {
                        continue;
                    };
                    let is_listed = !matches!(&listed, Value::Array(ids) if ids.is_empty());
                    let damage = match reply::person(id, &record) {
                        Ok(None) if is_listed => Some(CorruptRecord::Missing),
                        read => read.err(),
                    };
                    note_person(self.damage(), partition, id, damage.as_ref());
                }
                SideQuestion::Entry(partition, seq) => {
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
                        self.damage().mended(DamageLocation::Entry(partition, seq));
                    }
                }
            }
        }
    }

    /// Notes the answer of count.lua for a partition.
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
        self.note(DamageLocation::Ids(partition), records != ids, || {
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
        self.note(DamageLocation::Log(partition), !agrees, || {
            format!("it ends with entry {last:?}, and its head is {head}")
        });
    }

    fn note(&self, at: DamageLocation, is_damaged: bool, detail: impl FnOnce() -> String) {
        if is_damaged {
            self.damage().found(at, &detail());
        } else {
            self.damage().mended(at);
        }
    }

    /// Refuses a server that became a replica. It serves the last state that it received, perhaps
    /// for ever, so its heads prove nothing, and new connections must find the master.
    fn check_role(&self, replication: &Value) -> Result<(), StoreError> {
        if reply::is_replica(replication) {
            self.executor.renew();
            return Err(StoreError::Unavailable(
                "the server has become a replica".into(),
            ));
        }
        Ok(())
    }

    /// Refuses a deployment that was wiped and laid out again with another number of partitions.
    fn check_layout(&self, partitions: &Value) -> Result<(), StoreError> {
        let ours = self.commands.partitions.get();
        match partitions {
            Value::Nil => Ok(()),
            Value::BulkString(there) if there == ours.to_string().as_bytes() => Ok(()),
            _ => Err(StoreError::Corrupt(
                format!("the layout no longer has the {ours} partitions of store.partitions")
                    .into(),
            )),
        }
    }

    /// Notes whether the probe was published, and logs the first refusal.
    fn note_probe(&self, refused: Option<CommandFailure>) {
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
                %why,
                "the probe could not be published: this gateway will not get ready"
            );
        }
    }
}

fn wiped_again() -> StoreError {
    StoreError::Unavailable("the database was wiped while it was laid out again".into())
}

//! Whether the keys of a partition agree: optional questions of a probe, without whose answers
//! nothing fails.

use std::sync::atomic::Ordering;

use ::redis::{Pipeline, Value};

use super::connection::CommandFailure;
use super::reply;
use super::store::RedisStore;
use super::topology::Owner;
use crate::domain::{Partition, PersonId, Seq};
use crate::store::damage::note_person;
use crate::store::{CorruptRecord, DamageLocation};

/// Partitions whose keys one probe compares.
const COUNTED: usize = 16;

/// What one probe asks one server for.
pub(super) struct Group {
    pub(super) owner: Owner,
    /// The partitions that are asked for, of those that the server owns.
    pub(super) partitions: Vec<Partition>,
}

/// An optional question of a probe: a missing answer is no failure.
pub(super) enum SideQuestion {
    Count(Partition),
    Person(Partition, PersonId),
    Entry(Partition, Seq),
}

impl RedisStore {
    /// A few of these partitions, in turn.
    pub(super) fn looked_at(&self, partitions: &[Partition]) -> Vec<Partition> {
        let count = partitions.len();
        let first = self.counted_next.fetch_add(COUNTED, Ordering::Relaxed);
        let turn = partitions.iter().cycle().skip(first % count);
        turn.take(COUNTED.min(count)).copied().collect()
    }

    /// Adds the optional questions: the counts of a few partitions, and the state of everything
    /// that is known to be damaged.
    pub(super) fn side_questions(
        &self,
        pipeline: &mut Pipeline,
        group: &Group,
        counted: &[Partition],
    ) -> Vec<SideQuestion> {
        let commands = &self.commands;
        let mut questions = Vec::new();
        for partition in counted {
            pipeline.add_command(commands.count(*partition));
            questions.push(SideQuestion::Count(*partition));
        }
        for damage in self.damage().known() {
            match damage {
                DamageLocation::Person(partition, id) if group.partitions.contains(&partition) => {
                    pipeline
                        .add_command(commands.get(id))
                        .add_command(commands.listed(id));
                    questions.push(SideQuestion::Person(partition, id));
                }
                DamageLocation::Entry(partition, seq) if group.partitions.contains(&partition) => {
                    pipeline
                        .add_command(commands.entry(partition, None))
                        .add_command(commands.entry(partition, Some(seq)));
                    questions.push(SideQuestion::Entry(partition, seq));
                }
                _ => {}
            }
        }
        questions
    }

    /// Notes the answers to the optional questions. A missing or refused one changes nothing.
    pub(super) fn note_answers(
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
}

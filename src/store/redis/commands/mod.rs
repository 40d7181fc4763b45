//! The commands that the store sends to Redis.

pub(super) mod ids;
mod keys;
mod publication;
mod slots;

pub(super) use keys::{KeyNames, Naming, directory};
pub(super) use publication::Publication;
pub use slots::hash_tag;
pub(super) use slots::{SLOTS, Tags, slot};

use std::num::NonZeroUsize;
use std::sync::Arc;

use ::redis::{Arg, Cmd};

use self::keys::hex;
use super::scripts::SCRIPTS;
use crate::domain::{Epoch, FieldsJson, Partition, Partitions, PersonId, Position, Seq, Tag};
use crate::store::{Expectation, PageLimits, RedisCommand, RequestKey, Retention, Write};

/// Makes the commands of one deployment.
pub(super) struct Commands {
    pub(super) keys: Arc<KeyNames>,
    pub(super) partitions: Partitions,
    pub(super) retention: Retention,
}

/// 64 random bits, not zero. Tags and epochs are fresh in each attempt, so that no two histories
/// have equal ones.
pub(super) fn fresh() -> u64 {
    rand::random_range(1..=u64::MAX)
}

/// A fingerprint as the record has it.
pub(super) fn fingerprint(key: &RequestKey) -> String {
    let mut text = String::with_capacity(2 * key.fingerprint.len());
    hex(&key.fingerprint, &mut text);
    text
}

/// The kind of a command, for metrics.
pub(super) fn kind(command: &Cmd) -> RedisCommand {
    let mut words = command.args_iter().map(|word| match word {
        Arg::Simple(bytes) => bytes,
        _ => &[],
    });
    match (words.next(), words.next()) {
        (Some(b"EVALSHA"), Some(sha)) => SCRIPTS.kind(sha),
        (Some(b"HGET"), _) => RedisCommand::Hget,
        (Some(b"HMGET"), _) => RedisCommand::Hmget,
        (Some(b"INFO"), _) => RedisCommand::Info,
        (Some(b"PUBLISH" | b"SPUBLISH"), _) => RedisCommand::Publish,
        _ => RedisCommand::Other,
    }
}

impl Commands {
    /// One attempt of a write.
    pub(super) fn apply(&self, write: &Write) -> Cmd {
        let partition = self.partitions.of(write.id);
        let keys = self.keys.of(partition);
        let (script, operation) = match write.save {
            Some(_) => (&SCRIPTS.save, "S"),
            None => (&SCRIPTS.delete, "D"),
        };
        let tag = Tag::new(fresh());
        let record = write.idempotency.as_ref().map(|key| keys.idempotency(key));
        let mut names = vec![&*keys.meta, &*keys.log, &*keys.people, &*keys.ids];
        names.extend(record.as_deref());
        let mut command = script.call(&names);
        command
            .arg(operation)
            .arg(write.id.encode(&mut PersonId::buffer()))
            .arg(write.save.as_ref().map_or("", FieldsJson::as_str))
            .arg(expected(write.expect))
            .arg(tag.to_string())
            .arg(Epoch::new(fresh()).to_string())
            .arg(self.retention.log_max.get())
            .arg(
                write
                    .idempotency
                    .as_ref()
                    .map(fingerprint)
                    .unwrap_or_default(),
            )
            .arg(self.idempotency_ttl())
            .arg(&keys.channel)
            .arg(self.keys.pubsub.publish())
            .arg(write.time.as_millis());
        if let Some(trace) = write.trace {
            command.arg(trace.to_string());
        }
        command
    }

    pub(super) fn recorded(&self, partition: Partition, key: &RequestKey) -> Cmd {
        let mut command = ::redis::cmd("HMGET");
        command
            .arg(self.keys.of(partition).idempotency(key))
            .arg(&["f", "r", "i", "c", "u", "b"]);
        command
    }

    pub(super) fn get(&self, id: PersonId) -> Cmd {
        let mut command = ::redis::cmd("HGET");
        command
            .arg(&self.keys.of(self.partitions.of(id)).people)
            .arg(id.encode(&mut PersonId::buffer()));
        command
    }

    /// People from the id `from` on.
    pub(super) fn page(&self, partition: Partition, from: PersonId, most: PageLimits) -> Cmd {
        let keys = self.keys.of(partition);
        let mut command = SCRIPTS.page.call(&[&keys.meta, &keys.ids, &keys.people]);
        command
            .arg(from.encode(&mut PersonId::buffer()))
            .arg(limit(most.people))
            .arg(most.bytes);
        command
    }

    /// Whether the list of ids has this id.
    pub(super) fn listed(&self, id: PersonId) -> Cmd {
        self.listed_between(self.partitions.of(id), [id, id], NonZeroUsize::MIN)
    }

    /// Members of the list of ids from the id `from` on.
    pub(super) fn ids(&self, partition: Partition, from: PersonId, count: NonZeroUsize) -> Cmd {
        self.listed_between(partition, [from, ids::LAST], count)
    }

    fn listed_between(
        &self,
        partition: Partition,
        range: [PersonId; 2],
        count: NonZeroUsize,
    ) -> Cmd {
        let [first, last] = range.map(|id| format!("[{id}"));
        let mut command = ::redis::cmd("ZRANGE");
        command
            .arg(&self.keys.of(partition).ids)
            .arg(first)
            .arg(last)
            .arg("BYLEX")
            .arg("LIMIT")
            .arg(0)
            .arg(limit(count));
        command
    }

    /// Sets the scores of at most `most` members of the list of ids to 0, if they differ from it.
    pub(super) fn even(&self, partition: Partition, most: usize) -> Cmd {
        let mut command = SCRIPTS.even.call(&[&self.keys.of(partition).ids]);
        command.arg(most);
        command
    }

    /// The counts by which a partition's keys are compared.
    pub(super) fn count(&self, partition: Partition) -> Cmd {
        let keys = self.keys.of(partition);
        SCRIPTS
            .count
            .call(&[&keys.meta, &keys.log, &keys.people, &keys.ids])
    }

    /// The first log entry from the number `from` on.
    pub(super) fn entry(&self, partition: Partition, from: Option<Seq>) -> Cmd {
        let mut command = ::redis::cmd("XRANGE");
        command.arg(&self.keys.of(partition).log);
        command
            .arg(from.map_or("-".to_owned(), |seq| format!("{seq}-0")))
            .arg("+")
            .arg("COUNT")
            .arg(1);
        command
    }

    pub(super) fn since(&self, partition: Partition, from: Position, count: NonZeroUsize) -> Cmd {
        let keys = self.keys.of(partition);
        let mut command = SCRIPTS.since.call(&[&keys.meta, &keys.log]);
        command
            .arg(from.epoch.to_string())
            .arg(from.seq.get())
            .arg(from.tag.to_string())
            .arg(limit(count));
        command
    }

    pub(super) fn tail(&self, partition: Partition, count: NonZeroUsize) -> Cmd {
        let keys = self.keys.of(partition);
        let mut command = SCRIPTS.tail.call(&[&keys.meta, &keys.log]);
        command.arg(limit(count));
        command
    }

    /// The time to live of an idempotency record in milliseconds; at least 1, because Redis reads 0
    /// as "expired".
    fn idempotency_ttl(&self) -> u64 {
        u64::try_from(self.retention.idempotency_ttl.as_millis())
            .unwrap_or(u64::MAX)
            .clamp(1, 1 << 50)
    }
}

/// A count that Redis accepts as a number.
fn limit(count: NonZeroUsize) -> usize {
    count.get().min(1 << 31)
}

/// The expectation as an argument of the script. No revision is `x`, so no person ever has it.
fn expected(expect: Expectation) -> String {
    match expect {
        Expectation::Anything => String::new(),
        Expectation::Absent => "0".to_owned(),
        Expectation::Present => "*".to_owned(),
        Expectation::Revision(position) => position.to_string(),
        Expectation::Impossible => "x".to_owned(),
    }
}

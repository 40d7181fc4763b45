//! Everything that one deployment keeps in Redis, read in portions and compared.

use std::num::NonZeroUsize;

use ::redis::{Cmd, Pipeline, Value, cmd, pipe};

use super::keys::ids;
use super::scripts::SCRIPTS;
use super::{RedisStore, fresh, reply};
use crate::domain::{Epoch, Partition, PersonId, Position, Seq, Timestamp};
use crate::store::audit::{Damaged, Mended, Sink, Tally, Wrong};
use crate::store::chain::UNKNOWN_BEFORE;
use crate::store::{CorruptRecord, Store as _, StoreError};

/// Members, records or entries that are read at once.
const PORTION: usize = 500;
/// People who are not listed, and members that are no ids, of a partition: so many are remembered, and no more are
/// looked for. Another look finds the rest.
const REMEMBERED: usize = 100_000;

/// The look at one partition.
struct Look<'a, 'b> {
    store: &'a RedisStore,
    partition: Partition,
    /// The time of mending writes; none where nothing is to be mended.
    mend: Option<Timestamp>,
    damaged: Damaged,
    unlisted: Vec<PersonId>,
    /// Members of the list that are no ids of the partition.
    foreign: Vec<Vec<u8>>,
    tally: &'a mut Tally,
    sink: &'a mut Sink<'b>,
}

impl RedisStore {
    /// Compares people, ids, log and head in every partition, and tells `sink` what is wrong. With `mend`, the clock's
    /// time, mends what can be.
    pub async fn audit(&self, mend: Option<Timestamp>, sink: &mut Sink<'_>) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        for partition in self.commands.partitions.iter() {
            let (tally, sink) = (&mut tally, &mut *sink);
            let (damaged, unlisted, foreign) = Default::default();
            let mut look = Look { store: self, partition, mend, damaged, unlisted, foreign, tally, sink };
            if look.types().await? && look.head().await? {
                look.scores().await?;
                look.people().await?;
                look.ids().await?;
                look.log().await?;
            }
            // What mends begins new epochs, and so comes behind what the log has to say.
            std::mem::take(&mut look.damaged).settle(self, partition, mend, look.tally, look.sink).await?;
            look.list().await?;
            look.take_out().await?;
        }
        Ok(tally)
    }
}

impl Look<'_, '_> {
    /// Whether each key is of our type.
    async fn types(&mut self) -> Result<bool, StoreError> {
        let keys = self.store.commands.keys.of(self.partition);
        let wanted = [(&keys.meta, "hash"), (&keys.log, "stream"), (&keys.people, "hash"), (&keys.ids, "zset")];
        let mut pipeline = pipe();
        for (key, _) in wanted {
            pipeline.cmd("TYPE").arg(key);
        }
        let mut sound = true;
        for ((key, wanted), found) in wanted.into_iter().zip(self.ask(&pipeline).await?) {
            let found = reply::text(found)?;
            if found != wanted && found != "none" {
                sound = false;
                let by_hand = || Mended::No(format!("RENAME {key}, and run this again"));
                let mended = self.mend.map(|_| by_hand());
                self.tell(Wrong::Type(key.clone(), found), mended);
            }
        }
        Ok(sound)
    }

    /// Whether there is a head, or is one again.
    async fn head(&mut self) -> Result<bool, StoreError> {
        if self.read_head().await?.is_some() {
            return Ok(true);
        }
        let mended = self.mended("a new epoch has begun", self.store.restore()).await?;
        let goes_on = mended.is_some();
        self.tell(Wrong::Head, mended);
        Ok(goes_on)
    }

    async fn read_head(&self) -> Result<Option<Position>, StoreError> {
        let keys = self.store.commands.keys.of(self.partition);
        let mut pipeline = pipe();
        pipeline.cmd("HMGET").arg(&keys.meta).arg("e").arg("s").arg("t");
        reply::head_of(self.ask_one(&pipeline).await?)
    }

    async fn scores(&mut self) -> Result<(), StoreError> {
        let keys = self.store.commands.keys.of(self.partition);
        let mut pipeline = pipe();
        for place in [0, -1] {
            pipeline.cmd("ZRANGE").arg(&keys.ids).arg(place).arg(place).arg("WITHSCORES");
        }
        let mut is_even = true;
        for answer in self.ask(&pipeline).await? {
            let score = reply::list(answer)?.into_iter().nth(1);
            is_even &= score.is_none_or(|score| reply::text(score).is_ok_and(|score| score == "0" || score == "-0"));
        }
        if !is_even {
            let mended = self.mended("all are 0", self.store.even(self.partition)).await?;
            self.tell(Wrong::Scores, mended);
        }
        Ok(())
    }

    /// Every record: can it be read, and is its id listed?
    async fn people(&mut self) -> Result<(), StoreError> {
        let mut cursor = "0".to_owned();
        loop {
            let keys = self.store.commands.keys.of(self.partition);
            let (next, values) = self.scan("HSCAN", &keys.people, &cursor).await?;
            let mut sound = Vec::new();
            for pair in values.chunks_exact(2) {
                let [Value::BulkString(name), record] = pair else { continue };
                self.tally.people += 1;
                match self.own(name) {
                    None => self.foreign_record(name),
                    Some(id) => match reply::person(id, record) {
                        Ok(_) => sound.push(id),
                        Err(why) => self.damaged.add(id, why),
                    },
                }
            }
            self.unlisted(sound).await?;
            if next == "0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    fn foreign_record(&mut self, name: &[u8]) {
        let by_hand = "it is nobody's, and no list shows it: HDEL it by hand where it is of no use";
        let mended = self.mend.map(|_| Mended::No(by_hand.to_owned()));
        self.tell(Wrong::ForeignRecord(name.escape_ascii().to_string()), mended);
    }

    /// Takes note of people with a sound record who are not listed.
    async fn unlisted(&mut self, people: Vec<PersonId>) -> Result<(), StoreError> {
        let suspects = self.not_listed(people).await?;
        // Asked twice: a person may have been deleted, or made, between two questions.
        let unlisted = self.not_listed(suspects).await?;
        let room = REMEMBERED - self.unlisted.len();
        self.unlisted.extend(unlisted.into_iter().take(room));
        Ok(())
    }

    /// Tells who is not listed, and lists them again.
    async fn list(&mut self) -> Result<(), StoreError> {
        for people in std::mem::take(&mut self.unlisted).chunks(PORTION) {
            let mended = self.mended("listed, and a new epoch has begun", self.change_list(false, people, &[])).await?;
            for id in people {
                self.tell(Wrong::Unlisted(*id), mended.clone());
            }
        }
        Ok(())
    }

    /// Of these people, those who are not listed and have a record.
    async fn not_listed(&self, people: Vec<PersonId>) -> Result<Vec<PersonId>, StoreError> {
        if people.is_empty() {
            return Ok(people);
        }
        let mut pipeline = pipe();
        for id in &people {
            let member = id.to_string();
            pipeline.cmd("ZSCORE").arg(&self.store.commands.keys.of(self.partition).ids).arg(member);
            pipeline.add_command(self.store.commands.get(*id));
        }
        let answers = self.ask(&pipeline).await?;
        let is_unlisted = |answers: &[Value]| answers[0] == Value::Nil && answers[1] != Value::Nil;
        Ok(people
            .into_iter()
            .zip(answers.chunks_exact(2))
            .filter(|(_, two)| is_unlisted(two))
            .map(|(id, _)| id)
            .collect())
    }

    /// Every listed id: is it one, and has it a record?
    async fn ids(&mut self) -> Result<(), StoreError> {
        let mut cursor = "0".to_owned();
        loop {
            let keys = self.store.commands.keys.of(self.partition);
            let (next, values) = self.scan("ZSCAN", &keys.ids, &cursor).await?;
            let mut own = Vec::new();
            for pair in values.chunks_exact(2) {
                let [Value::BulkString(member), _] = pair else { continue };
                match self.own(member) {
                    Some(id) => own.push(id),
                    None if self.foreign.len() < REMEMBERED => self.foreign.push(member.clone()),
                    None => {}
                }
            }
            self.without_record(own).await?;
            if next == "0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    async fn without_record(&mut self, listed: Vec<PersonId>) -> Result<(), StoreError> {
        let mut pipeline = pipe();
        for id in &listed {
            pipeline.add_command(self.store.commands.get(*id));
        }
        if listed.is_empty() {
            return Ok(());
        }
        for (id, record) in listed.into_iter().zip(self.ask(&pipeline).await?) {
            if record == Value::Nil {
                self.damaged.add(id, CorruptRecord::Missing);
            }
        }
        Ok(())
    }

    /// Tells which members are no ids, and takes them out of the list.
    async fn take_out(&mut self) -> Result<(), StoreError> {
        for members in std::mem::take(&mut self.foreign).chunks(PORTION) {
            let mended =
                self.mended("taken out of the list; it showed nobody", self.change_list(false, &[], members)).await?;
            for member in members {
                self.tell(Wrong::ForeignId(member.escape_ascii().to_string()), mended.clone());
            }
        }
        Ok(())
    }

    /// Every entry of the log, from the oldest: whether they follow each other, and end at the head.
    async fn log(&mut self) -> Result<(), StoreError> {
        let (mut last, mut from): (Option<Position>, Option<Seq>) = (None, None);
        loop {
            let entries = self.entries(from).await?;
            let count = entries.len();
            for entry in entries {
                let Some((seq, entry)) = reply::entry(self.partition, Value::Array(vec![entry]))? else { continue };
                self.tally.entries += 1;
                let wanted = from.unwrap_or(seq.unwrap_or(Seq::START));
                let place = seq.unwrap_or(wanted);
                from = Some(place.next());
                let follows = match &entry {
                    Ok(change) => last.is_none() || change.predecessor() == last,
                    Err(why) => why == UNKNOWN_BEFORE,
                };
                last = entry.as_ref().ok().map(|change| change.at.position);
                if let Ok(change) = &entry {
                    self.damaged.note(change);
                }
                if !follows && !self.is_trimmed(wanted).await? {
                    let why = entry.map_or_else(|why| why, |_| "does not follow the one before it".to_owned());
                    // What is sound after a hole stays.
                    let flawed = if last.is_some() { wanted } else { place };
                    let mended = self.trim(flawed).await?;
                    self.tell(Wrong::Entry(flawed.get(), why), mended);
                }
            }
            if count < PORTION {
                return self.end().await;
            }
        }
    }

    /// Whether the log begins after this entry by now.
    async fn is_trimmed(&self, seq: Seq) -> Result<bool, StoreError> {
        let mut pipeline = pipe();
        pipeline.add_command(self.store.commands.entry(self.partition, None));
        let oldest = reply::entry(self.partition, self.ask_one(&pipeline).await?)?;
        Ok(oldest.and_then(|(oldest, _)| oldest).is_none_or(|oldest| oldest > seq))
    }

    async fn entries(&self, from: Option<Seq>) -> Result<Vec<Value>, StoreError> {
        let mut pipeline = pipe();
        let from = from.map_or("-".to_owned(), |seq| format!("{seq}-0"));
        let key = &self.store.commands.keys.of(self.partition).log;
        pipeline.cmd("XRANGE").arg(key).arg(from).arg("+").arg("COUNT").arg(PORTION);
        reply::list(self.ask_one(&pipeline).await?)
    }

    /// Takes an entry and those before it out of the log: nobody can be told of them, or of what is before them.
    async fn trim(&self, seq: Seq) -> Result<Option<Mended>, StoreError> {
        if self.mend.is_none() {
            return Ok(None);
        }
        let key = &self.store.commands.keys.of(self.partition).log;
        let mut pipeline = pipe();
        pipeline.cmd("XTRIM").arg(key).arg("MINID").arg(format!("{}-0", seq.next()));
        self.ask_one(&pipeline).await?;
        Ok(Some(Mended::Yes("taken out, with those before it: who was behind it begins anew")))
    }

    /// Whether the log ends at its head; both are read in one instant.
    async fn end(&mut self) -> Result<(), StoreError> {
        let answer = self.store.tail(self.partition, NonZeroUsize::MIN).await?;
        let mut pipeline = pipe();
        pipeline.add_command(self.store.commands.count(self.partition));
        let parts = reply::list(self.ask_one(&pipeline).await?)?;
        let [_, _, head, end] = &parts[..] else { return Ok(()) };
        let (head, end) = (reply::text(head.clone())?, reply::text(end.clone())?);
        let end = end.strip_suffix("-0").and_then(|end| end.parse().ok());
        if end.map(|end: u64| end.to_string()).as_deref() == Some(&head) || (end.is_none() && head == "0") {
            return Ok(());
        }
        let mended = self.mended("a new epoch has begun", self.change_list(true, &[], &[])).await?;
        self.tell(Wrong::End(end, answer.head.to_string()), mended);
        Ok(())
    }

    /// Lists people again, takes out members that are nobody's, begins a new epoch where asked for or needed.
    async fn change_list(&self, anew: bool, list: &[PersonId], take_out: &[Vec<u8>]) -> Result<(), StoreError> {
        let keys = self.store.commands.keys.of(self.partition);
        let mut command: Cmd = SCRIPTS.mend.call_by_text(&[&keys.meta, &keys.log, &keys.people, &keys.ids]);
        command.arg(Epoch::new(fresh()).to_string()).arg(if anew { "1" } else { "0" }).arg(list.len());
        for id in list {
            command.arg(id.encode(&mut PersonId::buffer()));
        }
        for member in take_out {
            command.arg(member.as_slice());
        }
        let mut pipeline = pipe();
        pipeline.add_command(command);
        self.ask_one(&pipeline).await.map(drop)
    }

    /// One portion of a hash or a sorted set, and where the next begins; `0` after the last.
    async fn scan(&self, command: &str, key: &str, cursor: &str) -> Result<(String, Vec<Value>), StoreError> {
        let mut scan = cmd(command);
        scan.arg(key).arg(cursor).arg("COUNT").arg(PORTION);
        let mut pipeline = pipe();
        pipeline.add_command(scan);
        let mut parts = reply::list(self.ask_one(&pipeline).await?)?.into_iter();
        let next = reply::text(parts.next().unwrap_or(Value::Nil))?;
        Ok((next, reply::list(parts.next().unwrap_or(Value::Nil))?))
    }

    fn own(&self, name: &[u8]) -> Option<PersonId> {
        ids::listed(name).filter(|id| self.store.commands.partitions.of(*id) == self.partition)
    }

    /// Does what mends, where mending is wanted; in words, how.
    async fn mended(
        &self,
        how: &'static str,
        mend: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<Option<Mended>, StoreError> {
        if self.mend.is_none() {
            return Ok(None);
        }
        mend.await.map(|()| Some(Mended::Yes(how)))
    }

    fn tell(&mut self, what: Wrong, mended: Option<Mended>) {
        self.tally.tell(self.sink, self.partition, what, mended);
    }

    async fn ask(&self, pipeline: &Pipeline) -> Result<Vec<Value>, StoreError> {
        let answers = self.store.ask_alone(pipeline, pipeline.len()).await?;
        answers.into_iter().map(|answer| answer.map_err(StoreError::from)).collect()
    }

    async fn ask_one(&self, pipeline: &Pipeline) -> Result<Value, StoreError> {
        self.store.first(pipeline).await
    }
}

//! What a probe asks one server: the heads of its partitions, and whether the keys of a few of them
//! agree.

use std::sync::atomic::Ordering;

use ::redis::{Cmd, Value, pipe};

use super::agreement::Group;
use super::connection::{Attempts, CommandFailure, Server};
use super::opening::{restore_directory, restore_partition};
use super::reply;
use super::store::RedisStore;
use super::topology::{Hint, Home};
use crate::domain::{Partition, PersonId, Position};
use crate::store::StoreError;

/// Members of a list of ids whose scores one call sets.
const EVEN_AT_ONCE: usize = 1_000;

/// Why a server's heads are not known.
pub(super) enum Failure {
    /// A command for this home failed; for any other it may have been the same.
    Command(Home, CommandFailure),
    Store(StoreError),
}

impl RedisStore {
    /// The heads that one server has; first restores layout and genesis where they are missing.
    pub(super) async fn proved_heads(
        &self,
        group: &Group,
        attempts: &Attempts,
    ) -> Result<Vec<Position>, Failure> {
        if let Some(heads) = self.heads_of(group, attempts).await? {
            return Ok(heads);
        }
        self.restore_group(group, attempts).await?;
        let heads = self.heads_of(group, attempts).await?;
        heads.ok_or_else(|| Failure::Store(wiped_again()))
    }

    /// Asks a script that reads a head. If the log has no genesis, restores it and asks again.
    pub(super) async fn ask_with_head<T>(
        &self,
        partition: Partition,
        command: Cmd,
        read: impl Fn(Value) -> Result<Option<T>, StoreError> + Send + Sync,
    ) -> Result<T, StoreError> {
        let (home, mut pipeline) = (Home::Partition(partition), pipe());
        pipeline.add_command(command);
        if let Some(answer) = read(self.router.first(home, &pipeline).await?)? {
            return Ok(answer);
        }
        self.restore(partition).await?;
        read(self.router.first(home, &pipeline).await?)?.ok_or_else(wiped_again)
    }

    /// Whether the list of ids has this id.
    pub(super) async fn is_listed(&self, id: PersonId) -> Result<bool, StoreError> {
        let home = Home::Partition(self.commands.partitions.of(id));
        let listed = self.router.ask(home, self.commands.listed(id)).await?;
        Ok(!reply::list(listed)?.is_empty())
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
        let home = Home::Partition(partition);
        while !matches!(self.router.first(home, &pipeline).await?, Value::Int(0)) {}
        Ok(())
    }

    /// Writes layout and genesis of a partition where they are missing.
    pub(super) async fn restore(&self, partition: Partition) -> Result<(), StoreError> {
        let mut pipeline = pipe();
        pipeline.add_command(self.restoring(partition));
        let restored = self.router.first(Home::Partition(partition), &pipeline);
        restored.await.map(drop)
    }

    fn restoring(&self, partition: Partition) -> Cmd {
        tracing::warn!(%partition, "layout or log head is missing; writing it again");
        restore_partition(&self.commands.keys, self.commands.partitions, partition)
    }

    /// Writes what is missing on a server.
    async fn restore_group(&self, group: &Group, attempts: &Attempts) -> Result<(), Failure> {
        let (mut pipeline, mut homes) = (pipe(), homes(&group.partitions));
        for partition in &group.partitions {
            pipeline.add_command(self.restoring(*partition));
        }
        if group.owner.has_directory {
            let (keys, partitions) = (&self.commands.keys, self.commands.partitions);
            pipeline.add_command(restore_directory(keys, partitions));
            homes.push(Home::Directory);
        }
        let server = &group.owner.server;
        let restored = self.router.run(&homes, server, &pipeline, attempts);
        restored.await.map(drop).map_err(Failure::of)
    }

    /// Heads in the group's order; none if one of them, or a layout, is missing.
    async fn heads_of(
        &self,
        group: &Group,
        attempts: &Attempts,
    ) -> Result<Option<Vec<Position>>, Failure> {
        let (keys, server) = (&self.commands.keys, &group.owner.server);
        let (mut pipeline, looked_at) = (pipe(), self.looked_at(&group.partitions));
        for partition in &group.partitions {
            let meta = &keys.of(*partition).meta;
            pipeline.cmd("HMGET").arg(meta).arg("e").arg("s").arg("t");
        }
        let layouts = looked_at
            .iter()
            .map(|partition| &keys.of(*partition).layout);
        for key in layouts.chain(group.owner.has_directory.then_some(&keys.directory)) {
            pipeline.cmd("HGET").arg(key).arg("partitions");
        }
        pipeline.cmd("INFO").arg("replication");
        let mut homes = [homes(&group.partitions), homes(&looked_at)].concat();
        homes.extend(group.owner.has_directory.then_some(Home::Directory));
        homes.push(homes[0]);
        let channel = keys.probe(group.owner.partitions[0]);
        pipeline.cmd(keys.pubsub.publish()).arg(channel).arg("");
        let questions = self.side_questions(&mut pipeline, group, &looked_at);
        // Counted before the probe can arrive, and taken back if it was not published.
        server.probes.fetch_add(1, Ordering::Relaxed);
        let asked = self.router.run(&homes, server, &pipeline, attempts).await;
        let asked = asked.map_err(Failure::of);
        let mut answers = asked.inspect_err(|_| {
            server.probes.fetch_sub(1, Ordering::Relaxed);
        })?;
        let beside = answers.split_off(homes.len() + 1);
        self.note_probe(server, answers.pop().and_then(Result::err));
        let answers: Result<Vec<_>, _> = answers.into_iter().collect();
        let mut answers = answers.map_err(|failure| Failure::Command(homes[0], failure))?;
        self.check_role(server, &answers.pop().unwrap_or(Value::Nil))?;
        let layouts = answers.split_off(group.partitions.len());
        for layout in &layouts {
            self.check_layout(layout)?;
        }
        let owners = &self.router.owners;
        owners.hint(Hint::Answered(server.address.clone()));
        self.note_answers(questions, beside);
        let heads = answers.into_iter().map(reply::head_of);
        let heads = heads.collect::<Result<Option<Vec<_>>, _>>()?;
        Ok(heads.filter(|_| !layouts.contains(&Value::Nil)))
    }

    /// Refuses a server that became a replica. It serves the last state that it received, perhaps
    /// for ever, so its heads prove nothing, and new connections must find the master.
    fn check_role(&self, server: &Server, replication: &Value) -> Result<(), StoreError> {
        if reply::is_replica(replication) {
            server.renew();
            let owners = &self.router.owners;
            owners.hint(Hint::Replica(server.address.clone()));
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
    fn note_probe(&self, server: &Server, refused: Option<CommandFailure>) {
        if refused.is_some() {
            server.probes.fetch_sub(1, Ordering::Relaxed);
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

impl Failure {
    fn of((home, failure): (Home, CommandFailure)) -> Self {
        Self::Command(home, failure)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn homes(partitions: &[Partition]) -> Vec<Home> {
    partitions.iter().copied().map(Home::Partition).collect()
}

fn wiped_again() -> StoreError {
    StoreError::Unavailable("the database was wiped while it was laid out again".into())
}

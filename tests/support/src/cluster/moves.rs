//! A slot moves from one master to another: key by key, where it may stop half way, or by
//! replication.

use std::time::Duration;

use ::redis::{RedisResult, Value};

use super::Cluster;
use crate::wait::eventually_ok;

/// Keys of one `MIGRATE`.
const BATCH: usize = 10;
/// The limit of one `MIGRATE`, which blocks both nodes.
const MIGRATE: Duration = Duration::from_secs(60);

/// A slot that is open: its keys are at two nodes, or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the slot stays open until the move is finished or aborted"]
pub struct SlotMove {
    pub slot: u16,
    pub from: usize,
    pub to: usize,
}

impl Cluster {
    /// Moves a slot and its keys, and waits until all live nodes know the new owner.
    pub async fn move_slot(&self, slot: u16, to: usize) {
        let open = self.begin_move(slot, to).await;
        self.finish_move(open).await;
    }

    /// Whether the servers have `CLUSTER MIGRATESLOTS` (Valkey 9).
    pub async fn can_replicate_slots(&self) -> bool {
        let known: Vec<Option<Value>> = self
            .command(0, &["COMMAND", "INFO", "CLUSTER|MIGRATESLOTS"])
            .await;
        known.iter().any(Option::is_some)
    }

    /// Moves a slot by `CLUSTER MIGRATESLOTS`: the target replicates its keys, and then takes it
    /// over in one step. Waits until all live nodes know the new owner.
    pub async fn replicate_slot(&self, slot: u16, to: usize) {
        let from = self.owner(slot).await;
        assert_ne!(from, to, "the slot is there already");
        let (number, target) = (slot.to_string(), self.nodes[to].id.as_str());
        let words = ["SLOTSRANGE", &number, &number, "NODE", target];
        self.command::<()>(from, &[&["CLUSTER", "MIGRATESLOTS"][..], &words].concat())
            .await;
        self.wait_until_owned(slot, to, async || {
            let migrations = ["CLUSTER", "GETSLOTMIGRATIONS"];
            format!("{:?}", self.attempt::<Value>(from, &migrations).await)
        })
        .await;
    }

    /// Opens a slot at its owner and its target. No key moves yet.
    pub async fn begin_move(&self, slot: u16, to: usize) -> SlotMove {
        let from = self.owner(slot).await;
        assert_ne!(from, to, "the slot is there already");
        let open = SlotMove { slot, from, to };
        self.set_slot(to, slot, &["IMPORTING", &self.nodes[from].id])
            .await
            .expect("the target imports");
        self.set_slot(from, slot, &["MIGRATING", &self.nodes[to].id])
            .await
            .expect("the owner migrates");
        open
    }

    /// Moves some keys of an open slot, and leaves it open. Returns how many have moved.
    pub async fn move_keys(&self, open: SlotMove, count: usize) -> usize {
        self.migrate(open.slot, open.from, open.to, count).await
    }

    /// Moves the other keys, and closes the slot at its new owner.
    pub async fn finish_move(&self, open: SlotMove) {
        let SlotMove { slot, from, to } = open;
        self.migrate(slot, from, to, usize::MAX).await;
        let node = ["NODE", self.nodes[to].id.as_str()];
        self.set_slot(to, slot, &node)
            .await
            .expect("the target takes it");
        // A replica refuses, and hears it from its master. An owner that has given its last slot
        // is one.
        let mut refusals = Vec::new();
        for other in self.live().filter(|node| *node != to) {
            refusals.extend(self.set_slot(other, slot, &node).await.err());
        }
        self.wait_until_owned(slot, to, async || format!("{refusals:?}"))
            .await;
    }

    /// Closes the slot at its old owner, with all its keys. An open slot takes no keys back: if
    /// some have moved, the others follow, and then all move back. That needs an owner with more
    /// slots: one without any becomes a replica.
    pub async fn abort_move(&self, open: SlotMove) {
        let SlotMove { slot, from, to } = open;
        let owner = self.nodes[from].id.as_str();
        let number = slot.to_string();
        // From now on no client can write a key of the slot at the target.
        self.set_slot(to, slot, &["STABLE"])
            .await
            .expect("it closes");
        let moved: usize = self
            .command(to, &["CLUSTER", "COUNTKEYSINSLOT", &number])
            .await;
        if moved == 0 {
            self.set_slot(from, slot, &["STABLE"])
                .await
                .expect("it closes");
        } else {
            let importing = self.set_slot(to, slot, &["IMPORTING", owner]).await;
            importing.expect("it opens again");
            self.finish_move(open).await;
            self.move_slot(slot, from).await;
        }
    }

    /// Waits until all live nodes name the node as the owner of the slot. `state` says what is
    /// known when they do not.
    async fn wait_until_owned(&self, slot: u16, node: usize, state: impl AsyncFn() -> String) {
        let owner = &self.nodes[node].id;
        eventually_ok("all nodes know the new owner", async || {
            let views = self.views().await;
            let mut owners = views
                .iter()
                .flat_map(|(_, view)| view.nodes.iter().filter(|known| known.owns(slot)));
            if owners.all(|known| known.id == *owner) {
                return Ok(());
            }
            Err(state().await)
        })
        .await;
    }

    async fn set_slot(&self, node: usize, slot: u16, state: &[&str]) -> RedisResult<()> {
        let slot = slot.to_string();
        let words = [&["CLUSTER", "SETSLOT", &slot], state].concat();
        self.attempt(node, &words).await
    }

    /// Moves up to `count` keys of a slot. Returns how many there were.
    async fn migrate(&self, slot: u16, from: usize, to: usize, count: usize) -> usize {
        let server = self.server(from);
        let mut connection = server
            .connect_within(MIGRATE * 2)
            .await
            .expect("a connection");
        let mut moved = 0;
        while moved < count {
            let keys: Vec<Vec<u8>> = ::redis::cmd("CLUSTER")
                .arg("GETKEYSINSLOT")
                .arg(slot)
                .arg(BATCH.min(count - moved))
                .query_async(&mut connection)
                .await
                .expect("keys");
            if keys.is_empty() {
                break;
            }
            let mut migrate = ::redis::cmd("MIGRATE");
            migrate.arg("127.0.0.1").arg(self.nodes[to].port).arg("");
            migrate
                .arg(0)
                .arg(u64::try_from(MIGRATE.as_millis()).expect("it fits"));
            migrate.arg("REPLACE");
            if let Some(password) = server.password() {
                migrate.arg("AUTH").arg(password);
            }
            let migrate = migrate.arg("KEYS").arg(&keys);
            migrate
                .exec_async(&mut connection)
                .await
                .expect("they move");
            moved += keys.len();
        }
        moved
    }
}

//! What all faults share: a world with people, clients and writers before the fault, and clients
//! that come and resume after it.

use std::time::Duration;

use crate::checks::{RunReport, check};
use crate::clients::SavedView;
use crate::world::{Allowance, Case, StoreAt, World};

/// Gateways of a world. The last one has clients only after the fault.
pub(super) const GATEWAYS: usize = 3;
/// People at the start.
const PEOPLE: usize = 24;
/// Writes that are acknowledged before a fault begins.
const BEFORE: usize = 40;

/// Settings for a failover: calls go on until it is over.
pub(super) const PATIENT: &[(&str, &str)] = &[
    ("store.retry_limit_ms", "15000"),
    ("store.topology_interval_ms", "2000"),
];

/// A world in which a fault can begin.
pub(super) struct Stage {
    pub world: World,
    pub store: StoreAt,
    saved: Vec<SavedView>,
    /// The longest time that a fault within the run took to heal.
    heal: Duration,
}

impl Stage {
    /// Gateways on this store.
    pub(super) async fn set(case: &Case, store: StoreAt, settings: &[(&str, &str)]) -> Self {
        let settings = [PATIENT, settings].concat();
        let world = World::at(case, &store, GATEWAYS, &settings).await;
        Self::fill(world, store).await
    }

    /// Gateways on this store, with so many people in one partition for which no client asks.
    pub(super) async fn set_with_bulk(case: &Case, store: StoreAt, people: usize) -> Self {
        let mut world = World::at(case, &store, GATEWAYS, PATIENT).await;
        world.import(people).await;
        Self::fill(world, store).await
    }

    /// Gateways on this store, whose clients go to another one when theirs is gone.
    pub(super) async fn set_roaming(
        case: &Case,
        store: StoreAt,
        settings: &[(&str, &str)],
    ) -> Self {
        let settings = [PATIENT, settings].concat();
        let mut world = World::at(case, &store, GATEWAYS, &settings).await;
        world.clients_roam = true;
        let mut stage = Self::fill(world, store).await;
        stage.world.allowed.closes = true;
        stage
    }

    /// People, clients at all gateways but the last, and a writer of each partition.
    pub(super) async fn fill(mut world: World, store: StoreAt) -> Self {
        world.allowed = Allowance::NOTHING;
        world.writer.populate(&world.nodes[0].gateway, PEOPLE).await;
        let with_clients = 0..world.nodes.len().saturating_sub(1).max(1);
        for gateway in with_clients {
            world.listen(gateway);
            world.follow(gateway);
            world.join(gateway, "before the fault");
        }
        world.all_live().await;
        world.start_load(0..world.nodes.len());
        world.load_goes_on(BEFORE).await;
        let saved = world.saved_views(0);
        world.pause().await;
        Self {
            world,
            store,
            saved,
            heal: Duration::ZERO,
        }
    }

    /// Lets the writers go on for this time.
    pub(super) async fn pause(&self, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }

    /// Waits until everybody is served again, after a fault that began now.
    pub(super) async fn heals(&mut self) {
        self.world.end_faults();
        let heal = self.world.all_healed().await;
        self.took(heal);
    }

    /// Notes how long a fault within the run took to heal.
    pub(super) fn took(&mut self, heal: Duration) {
        self.heal = self.heal.max(heal);
    }

    /// After the fault: clients resume where others stood, and join; then everything is compared.
    pub(super) async fn end(self) -> RunReport {
        self.end_after(async |_| ()).await
    }

    /// The same. `at_rest` runs when nobody writes any more.
    pub(super) async fn end_after(mut self, at_rest: impl AsyncFnOnce(&World)) -> RunReport {
        self.heals().await;
        let world = &mut self.world;
        let last = world.nodes.len() - 1;
        world.resume(&self.saved, last, "with a cursor from before");
        world.join(0, "after the fault");
        let after = world.number(5..40);
        world.write(last.min(1), after).await;
        let silences = world
            .listeners()
            .map(|it| it.inspect(|state| state.fold.silence.longest()));
        let silence_of_frames = silences.max().unwrap_or_default();
        world.end_load().await;
        at_rest(world).await;
        let report = check(world, last.min(1), self.store).await;
        RunReport {
            silence_of_frames,
            heal: self.heal,
            ..report
        }
    }
}

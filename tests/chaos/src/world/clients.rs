//! The clients of a world: they join, resume at other gateways, stop reading, and catch up.

use std::net::SocketAddr;
use std::time::Duration;

use people_gateway::filter::Kinds;
use people_testing::people::CONDITIONS;
use people_testing::wait::eventually;

use super::{StoreAt, World, heads};
use crate::clients::{ClientOptions, Cut, Format, LibraryClient, SavedView, Watcher};

/// What a client of [`World::listen`] is called.
const LISTENER: &str = "a listener";

impl World {
    /// Connects clients of every format to a gateway, some with a snapshot. `when` names them.
    pub fn join(&mut self, gateway: usize, when: &str) {
        use Format::{CloudEvents, Json, Sse, Text};
        for (format, kinds, begins_with_snapshot) in [
            (Json, Kinds::All, true),
            (CloudEvents, Kinds::All, true),
            (Sse, Kinds::All, true),
            (Text, Kinds::All, true),
            (Json, Kinds::All, false),
            (CloudEvents, Kinds::Saves, false),
            (Sse, Kinds::Deletes, false),
            (Json, Kinds::Saves, true),
            (Text, Kinds::All, false),
        ] {
            // The first nine clients have no filter. Later ones have one that people often enter
            // and leave.
            let is_first = self.joined < 9;
            self.joined += 1;
            let condition = match self.only_condition {
                Some(condition) => condition,
                None if is_first => CONDITIONS[0],
                None => CONDITIONS[self.writer.number(0..CONDITIONS.len())],
            };
            let condition = condition.to_owned();
            let has_small_buffer = self.joined.is_multiple_of(4);
            self.watch(
                gateway,
                when,
                ClientOptions {
                    format,
                    kinds,
                    condition,
                    begins_with_snapshot,
                    has_small_buffer,
                },
            );
        }
    }

    pub fn watch(&mut self, gateway: usize, when: &str, options: ClientOptions) {
        let name = format!(
            "client {} ({when}, at gateway {gateway})",
            self.watchers.len()
        );
        let addresses = self.addresses(gateway);
        self.watchers
            .push(Watcher::start(name, options, gateway, addresses));
    }

    /// The address of a gateway, and behind it those that its clients may go to.
    fn addresses(&self, gateway: usize) -> Vec<SocketAddr> {
        let (before, from) = self.nodes.split_at(gateway);
        let others = if self.clients_roam { before } else { &[] };
        let own = if self.clients_roam { from } else { &from[..1] };
        let all = own.iter().chain(others);
        all.map(|node| node.gateway.address).collect()
    }

    /// Connects a client without a filter that receives every change one by one, and tells how long
    /// no partition was heard of.
    pub fn listen(&mut self, gateway: usize) {
        self.watch(
            gateway,
            LISTENER,
            ClientOptions {
                format: Format::Json,
                kinds: Kinds::All,
                condition: self.only_condition.unwrap_or_default().to_owned(),
                begins_with_snapshot: true,
                has_small_buffer: false,
            },
        );
    }

    /// Connects clients of the library `people-client`, without a filter and with one.
    pub fn follow(&mut self, gateway: usize) {
        let random = CONDITIONS[self.writer.number(1..CONDITIONS.len())];
        let conditions = [CONDITIONS[0], random].map(|it| self.only_condition.unwrap_or(it));
        for condition in conditions {
            let name = format!("the library's client at gateway {gateway} where {condition:?}");
            let address = self.nodes[gateway].gateway.address;
            let client = LibraryClient::start(name, condition, address);
            self.library_clients.push(client);
        }
    }

    /// The clients of [`World::listen`], without those that resumed with their views.
    pub fn listeners(&self) -> impl Iterator<Item = &Watcher> {
        let all = self.watchers.iter();
        all.filter(|it| it.name.contains(LISTENER) && !it.name.contains("resumed"))
    }

    /// Waits until every client is live, and each listener has heard of every partition since the
    /// faults ended. Returns how long that took.
    pub async fn all_healed(&self) -> Duration {
        let partitions = usize::from(self.case.partitions);
        eventually("every listener hears of every partition", async || {
            self.awake().all(Watcher::is_live)
                && self.listeners().all(|listener| {
                    listener.inspect(|state| {
                        let silence = &state.fold.silence;
                        silence.ended_since(self.faults_ended_at, partitions)
                    })
                })
        })
        .await;
        self.faults_ended_at.elapsed()
    }

    /// Copies the views of the gateway's clients that have a cursor.
    pub fn saved_views(&self, gateway: usize) -> Vec<SavedView> {
        self.watchers
            .iter()
            .filter(|watcher| watcher.gateway == gateway)
            .filter_map(Watcher::saved_view)
            .collect()
    }

    /// Connects clients that resume at a gateway with these views. Each view of people.v1.json is
    /// also resumed by a text client.
    pub fn resume(&mut self, saved_views: &[SavedView], gateway: usize, when: &str) {
        for saved_view in saved_views {
            let name = format!("{}, resumed {when} at gateway {gateway}", saved_view.name);
            if saved_view.options.format == Format::Json {
                self.watchers.push(Watcher::text_resumed(
                    name.clone(),
                    saved_view,
                    gateway,
                    self.addresses(gateway),
                ));
            }
            let addresses = self.addresses(gateway);
            self.watchers
                .push(Watcher::resumed(name, saved_view, gateway, addresses));
        }
    }

    /// Cuts off every second client of a gateway, and lets it resume at another gateway.
    pub async fn move_clients(&mut self, from: usize, to: usize) {
        let addresses = self.addresses(to);
        for watcher in self
            .watchers
            .iter_mut()
            .filter(|watcher| watcher.gateway == from)
            .step_by(2)
        {
            watcher.move_to(to, addresses.clone()).await;
        }
    }

    /// Cuts the connection of a client in this way, and lets it resume at a gateway.
    pub async fn cut(&mut self, watcher: usize, cut: Cut, gateway: usize) {
        let addresses = self.addresses(gateway);
        self.watchers[watcher].cut(cut, gateway, addresses).await;
    }

    /// Stops the clients with small buffers from reading.
    pub async fn pause(&mut self) {
        for watcher in self
            .watchers
            .iter_mut()
            .filter(|watcher| watcher.options.has_small_buffer)
        {
            watcher.pause().await;
        }
    }

    /// Lets all clients read again.
    pub async fn unpause(&mut self) {
        for watcher in self.watchers.iter_mut().filter(|watcher| watcher.is_paused) {
            watcher.unpause().await;
        }
    }

    /// The clients that are not paused.
    fn awake(&self) -> impl Iterator<Item = &Watcher> {
        self.watchers.iter().filter(|watcher| !watcher.is_paused)
    }

    /// Waits until all clients are live, except paused ones.
    pub async fn all_live(&self) {
        eventually("clients are live", || async {
            self.awake().all(Watcher::is_live)
                && self.library_clients.iter().all(LibraryClient::is_exact)
        })
        .await;
    }

    /// Waits until the gateways serve every client with changes as they come. A client that still
    /// catches up is sent what changed in the meantime as one net change: nothing, where a person
    /// entered and left.
    pub async fn all_served(&self) {
        eventually("every client is served", || async {
            let mut served = 0;
            for node in &self.nodes {
                served += node.gateway.count("views").await;
            }
            usize::try_from(served) == Ok(self.watchers.len() + self.library_clients.len())
                && self.watchers.iter().all(Watcher::is_live)
        })
        .await;
    }

    /// Waits until the cursors of the gateway's clients are at the heads of this store, except
    /// paused clients and those of the text format.
    pub async fn all_caught_up(&self, gateway: usize, store: impl Into<StoreAt>) {
        let log = self.history(&store.into()).await;
        let heads: Vec<_> = heads(&log).into_values().collect();
        eventually("clients caught up with all changes", || async {
            self.awake()
                .filter(|watcher| watcher.gateway == gateway)
                .all(|watcher| {
                    watcher.options.format == Format::Text
                        || watcher.inspect(|state| {
                            let cursor = state.fold.cursor.as_ref();
                            heads.iter().all(|at| {
                                cursor.and_then(|cursor| cursor.get(at.partition))
                                    == Some(at.position)
                            })
                        })
                })
        })
        .await;
    }
}

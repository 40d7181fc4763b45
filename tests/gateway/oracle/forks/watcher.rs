//! A client in any format, which a schedule moves from gateway to gateway. When the server ends its
//! connection it comes back as the contract tells clients to: with its cursor, or with a snapshot
//! where it has none.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use people_client::Cursor;
use people_gateway::filter::Kinds;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::fold::Fold;
use super::judge::saved;
use super::wire::{Format, Opened, Stream};

/// What a client asks for. Without a cursor or a snapshot it begins with what is accepted from now
/// on.
#[derive(Clone, Debug)]
pub(super) struct Asks {
    pub(super) format: Format,
    pub(super) kinds: Kinds,
    pub(super) condition: String,
    pub(super) begins_with_snapshot: bool,
    /// Takes so little that a gateway has to drop what waits for it.
    pub(super) is_small: bool,
}

/// A client and what became of it.
pub(super) struct Watcher {
    pub(super) name: String,
    pub(super) asks: Asks,
    /// The number of the gateway that it is connected to.
    pub(super) at: usize,
    /// Connections that the schedule began with the client's cursor.
    pub(super) moves: usize,
    /// Text: the cursor that it was given, and whether it knew everybody in its view there.
    pub(super) given: Option<Cursor>,
    pub(super) knows_all: bool,
    pub(super) is_paused: bool,
    seen: Arc<Mutex<Seen>>,
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
}

/// What a client saw so far.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) fold: Fold,
    pub(super) is_connected: bool,
    /// Codes of close frames, 0 where there was none; and statuses of refused handshakes.
    pub(super) closes: Vec<u16>,
    pub(super) refusals: Vec<u16>,
}

/// What a client held at some moment.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) name: String,
    pub(super) asks: Asks,
    pub(super) fold: Fold,
}

/// Where a connection begins.
#[derive(Clone, Debug)]
enum Start {
    Now,
    Snapshot,
    /// At another's cursor, whose view the client has.
    Given(String),
    /// At its own cursor, or with a snapshot where it has none.
    Cursor,
}

#[derive(Debug)]
enum Order {
    Move(SocketAddr),
    Pause,
    Continue,
}

impl Watcher {
    /// Connects to the gateway with this number, at this address.
    pub(super) fn start(name: String, asks: Asks, at: usize, address: SocketAddr) -> Self {
        let fold = Fold::new(asks.kinds);
        let start = if asks.begins_with_snapshot {
            Start::Snapshot
        } else {
            Start::Now
        };
        Self::run(name, asks, at, address, fold, start)
    }

    /// A client with a remembered view, which resumes with its cursor.
    pub(super) fn resumed(name: String, memory: &Memory, at: usize, address: SocketAddr) -> Self {
        let mut resumed = Self::run(
            name,
            memory.asks.clone(),
            at,
            address,
            memory.fold.clone(),
            Start::Cursor,
        );
        resumed.moves = 1;
        resumed
    }

    /// A text client with a remembered view, which continues at its cursor.
    pub(super) fn text_resumed(
        name: String,
        memory: &Memory,
        at: usize,
        address: SocketAddr,
    ) -> Self {
        let asks = Asks {
            format: Format::Text,
            ..memory.asks.clone()
        };
        let mut fold = Fold::new(asks.kinds);
        fold.sentences = memory
            .fold
            .people
            .iter()
            .map(|(id, person)| (*id, saved(person)))
            .collect();
        let cursor = memory
            .fold
            .cursor
            .as_ref()
            .expect("whoever is remembered has one");
        let mut resumed = Self::run(
            name,
            asks,
            at,
            address,
            fold,
            Start::Given(cursor.to_string()),
        );
        resumed.given = Some(cursor.clone());
        resumed.knows_all = memory.fold.now().has_pages;
        resumed
    }

    /// What it holds now, for others to resume with. None while it has no cursor.
    pub(super) fn memory(&self) -> Option<Memory> {
        let fold = self.look(|seen| seen.fold.clone());
        fold.cursor.as_ref()?;
        Some(Memory {
            name: self.name.clone(),
            asks: self.asks.clone(),
            fold,
        })
    }

    fn run(
        name: String,
        asks: Asks,
        at: usize,
        address: SocketAddr,
        fold: Fold,
        start: Start,
    ) -> Self {
        let seen = Seen {
            fold,
            is_connected: false,
            closes: Vec::new(),
            refusals: Vec::new(),
        };
        let seen = Arc::new(Mutex::new(seen));
        let (orders, inbox) = mpsc::channel(16);
        let client = Client {
            asks: asks.clone(),
            address,
            seen: Arc::clone(&seen),
            start,
        };
        let knows_all = asks.begins_with_snapshot;
        let task = tokio::spawn(client.run(inbox));
        Self {
            name,
            asks,
            at,
            moves: 0,
            given: None,
            knows_all,
            is_paused: false,
            seen,
            orders,
            task,
        }
    }

    /// Cuts the connection, and resumes at another gateway.
    pub(super) async fn move_to(&mut self, at: usize, address: SocketAddr) {
        (self.at, self.moves) = (at, self.moves + 1);
        // Text tells no cursor: it comes back with a snapshot.
        if self.asks.format == Format::Text {
            (self.given, self.knows_all) = (None, true);
        }
        self.order(Order::Move(address)).await;
    }

    /// Takes nothing any more, until it goes on.
    pub(super) async fn pause(&mut self) {
        self.is_paused = true;
        self.order(Order::Pause).await;
    }

    pub(super) async fn go_on(&mut self) {
        self.is_paused = false;
        self.order(Order::Continue).await;
    }

    async fn order(&self, order: Order) {
        self.orders.send(order).await.expect("the client runs");
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().expect("no panic").clone()
    }

    /// Looks at what it saw, without a copy.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().expect("no panic"))
    }

    /// Whether it is connected, and told that it is live where its format tells that.
    pub(super) fn is_live(&self) -> bool {
        self.look(|seen| {
            seen.is_connected && (self.asks.format == Format::Text || seen.fold.cursor.is_some())
        })
    }

    /// Whether it still runs: a message that it cannot read ends it.
    pub(super) fn has_failed(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Client {
    asks: Asks,
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    /// How the next connection begins.
    start: Start,
}

impl Client {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            let Some(mut stream) = self.connect(&mut orders).await else {
                continue;
            };
            let mut is_paused = false;
            loop {
                // All branches are cancel safe.
                tokio::select! {
                    message = stream.next(), if !is_paused => match message {
                        Ok((told, cursor)) => self.with(|seen| {
                            seen.fold.take(told);
                            if let Some(cursor) = cursor {
                                seen.fold.moved_to(cursor);
                            }
                        }),
                        Err(code) => {
                            self.with(|seen| seen.closes.push(code.unwrap_or(0)));
                            break;
                        }
                    },
                    order = orders.recv() => match order {
                        Some(Order::Move(address)) => {
                            self.address = address;
                            break;
                        }
                        Some(Order::Pause) => is_paused = true,
                        Some(Order::Continue) => is_paused = false,
                        None => return,
                    }
                }
            }
            self.with(|seen| seen.is_connected = false);
        }
    }

    async fn connect(&mut self, orders: &mut mpsc::Receiver<Order>) -> Option<Stream> {
        let cursor = self.with(|seen| seen.fold.cursor.as_ref().map(ToString::to_string));
        let (start, continues) = match (&self.start, cursor) {
            (Start::Now, _) => ("now".to_owned(), false),
            (Start::Given(cursor), _) => (cursor.clone(), true),
            (Start::Cursor, Some(cursor)) => (cursor, true),
            (Start::Snapshot, _) | (Start::Cursor, None) => ("snapshot".to_owned(), false),
        };
        match Stream::open(&self.asks, self.address, &start).await {
            Opened::Stream(stream) => {
                self.start = Start::Cursor;
                self.with(|seen| {
                    seen.fold.connected(continues);
                    seen.is_connected = true;
                });
                Some(*stream)
            }
            Opened::Refused(status) => {
                self.with(|seen| seen.refusals.push(status));
                if status == 410 {
                    self.start = Start::Snapshot;
                }
                self.rest(orders).await;
                None
            }
            Opened::Unreachable => {
                self.rest(orders).await;
                None
            }
        }
    }

    /// Lets a gateway that refuses alone for a moment.
    async fn rest(&mut self, orders: &mut mpsc::Receiver<Order>) {
        if let Ok(Some(Order::Move(address))) =
            tokio::time::timeout(Duration::from_millis(20), orders.recv()).await
        {
            self.address = address;
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> T {
        change(&mut self.seen.lock().expect("no panic"))
    }
}

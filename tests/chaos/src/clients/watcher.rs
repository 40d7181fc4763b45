//! A client in any format, which a schedule moves from gateway to gateway. When the server closes
//! its connection it reconnects by the rules of the protocol: at its cursor, or with a snapshot if
//! it has none.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use people_client::Cursor;
use people_gateway::filter::Kinds;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::fold::Fold;
use super::message::saved_sentence;
use super::wire::{Cut, Format, HandshakeResult, Stream};

/// A client's format, filter and start. Without a snapshot it starts from now.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    pub format: Format,
    pub kinds: Kinds,
    pub condition: String,
    pub begins_with_snapshot: bool,
    /// A receive buffer so small that the gateway's send queue overflows.
    pub has_small_buffer: bool,
}

/// A running client.
pub struct Watcher {
    pub name: String,
    pub options: ClientOptions,
    /// The number of the client's gateway.
    pub gateway: usize,
    /// Connections that the schedule began with the client's cursor.
    pub moves: usize,
    /// Text format: the cursor at which the client started, and whether its view was complete
    /// there.
    pub start_cursor: Option<Cursor>,
    pub is_complete: bool,
    pub is_paused: bool,
    state: Arc<Mutex<ClientState>>,
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

/// A client's view and connection.
#[derive(Clone, Debug)]
pub struct ClientState {
    pub fold: Fold,
    pub is_connected: bool,
    /// Codes of close frames, 0 for a connection that ended without one.
    pub closes: Vec<u16>,
    /// Statuses of refused handshakes.
    pub refusals: Vec<u16>,
}

/// A copy of a client's view at one moment, with a cursor.
#[derive(Clone, Debug)]
pub struct SavedView {
    pub name: String,
    pub options: ClientOptions,
    pub fold: Fold,
}

/// The start of a connection.
#[derive(Clone, Debug)]
enum Start {
    Now,
    Snapshot,
    /// At the cursor of another client, whose view the client has copied.
    OtherCursor(String),
    /// At the client's own cursor, or with a snapshot if it has none.
    Cursor,
}

#[derive(Debug)]
enum Command {
    Move(Vec<SocketAddr>),
    Cut(Cut, Vec<SocketAddr>),
    Pause,
    Continue,
}

impl Watcher {
    /// Starts a client of the gateway with this number, at the first of these addresses.
    pub fn start(
        name: String,
        options: ClientOptions,
        gateway: usize,
        addresses: Vec<SocketAddr>,
    ) -> Self {
        let fold = Fold::new(options.kinds);
        let start = if options.begins_with_snapshot {
            Start::Snapshot
        } else {
            Start::Now
        };
        Self::run(name, options, gateway, addresses, fold, start)
    }

    /// Starts a client with a saved view, which resumes at its cursor.
    pub fn resumed(
        name: String,
        saved_view: &SavedView,
        gateway: usize,
        addresses: Vec<SocketAddr>,
    ) -> Self {
        let mut resumed = Self::run(
            name,
            saved_view.options.clone(),
            gateway,
            addresses,
            saved_view.fold.clone(),
            Start::Cursor,
        );
        resumed.moves = 1;
        resumed
    }

    /// Starts a text client with a saved view, which continues at its cursor.
    pub fn text_resumed(
        name: String,
        saved_view: &SavedView,
        gateway: usize,
        addresses: Vec<SocketAddr>,
    ) -> Self {
        let options = ClientOptions {
            format: Format::Text,
            ..saved_view.options.clone()
        };
        let mut fold = Fold::new(options.kinds);
        fold.sentences = saved_view
            .fold
            .people
            .iter()
            .map(|(id, person)| (*id, saved_sentence(person)))
            .collect();
        let cursor = saved_view
            .fold
            .cursor
            .as_ref()
            .expect("a saved view has a cursor");
        let mut resumed = Self::run(
            name,
            options,
            gateway,
            addresses,
            fold,
            Start::OtherCursor(cursor.to_string()),
        );
        resumed.start_cursor = Some(cursor.clone());
        resumed.is_complete = saved_view.fold.current_segment().has_pages;
        resumed
    }

    /// A copy of the view, for other clients to resume with. None while it has no cursor.
    pub fn saved_view(&self) -> Option<SavedView> {
        let fold = self.inspect(|state| state.fold.clone());
        fold.cursor.as_ref()?;
        Some(SavedView {
            name: self.name.clone(),
            options: self.options.clone(),
            fold,
        })
    }

    fn run(
        name: String,
        options: ClientOptions,
        gateway: usize,
        addresses: Vec<SocketAddr>,
        fold: Fold,
        start: Start,
    ) -> Self {
        let state = ClientState {
            fold,
            is_connected: false,
            closes: Vec::new(),
            refusals: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let (commands, received_commands) = mpsc::channel(16);
        let client = Client {
            options: options.clone(),
            addresses: addresses.into(),
            state: Arc::clone(&state),
            start,
        };
        let is_complete = options.begins_with_snapshot;
        let task = tokio::spawn(client.run(received_commands));
        Self {
            name,
            options,
            gateway,
            moves: 0,
            start_cursor: None,
            is_complete,
            is_paused: false,
            state,
            commands,
            task,
        }
    }

    /// Cuts the connection and resumes at another gateway.
    pub async fn move_to(&mut self, gateway: usize, addresses: Vec<SocketAddr>) {
        self.note_move(gateway);
        self.send(Command::Move(addresses)).await;
    }

    /// Cuts the connection in this way, and resumes at a gateway, perhaps the same one.
    pub async fn cut(&mut self, cut: Cut, gateway: usize, addresses: Vec<SocketAddr>) {
        self.note_move(gateway);
        self.send(Command::Cut(cut, addresses)).await;
    }

    fn note_move(&mut self, gateway: usize) {
        (self.gateway, self.moves) = (gateway, self.moves + 1);
        // The text format has no cursors: the client reconnects with a snapshot.
        if self.options.format == Format::Text {
            (self.start_cursor, self.is_complete) = (None, true);
        }
    }

    /// Stops the client from reading, until `unpause`.
    pub async fn pause(&mut self) {
        self.is_paused = true;
        self.send(Command::Pause).await;
    }

    pub async fn unpause(&mut self) {
        self.is_paused = false;
        self.send(Command::Continue).await;
    }

    async fn send(&self, command: Command) {
        self.commands.send(command).await.expect("the client runs");
    }

    pub fn state(&self) -> ClientState {
        self.state.lock().expect("no panic").clone()
    }

    /// Reads the client's state without a copy.
    pub fn inspect<T>(&self, inspect: impl FnOnce(&ClientState) -> T) -> T {
        inspect(&self.state.lock().expect("no panic"))
    }

    /// Ends or begins the counting of silence.
    pub fn count_silence(&self, is_counted: bool) {
        let mut state = self.state.lock().expect("no panic");
        state.fold.silence.count(is_counted);
    }

    /// Whether the client is connected, and has a cursor if its format has cursors.
    pub fn is_live(&self) -> bool {
        self.inspect(|state| {
            state.is_connected
                && (self.options.format == Format::Text || state.fold.cursor.is_some())
        })
    }

    /// Whether the client has panicked at a message that it could not parse.
    pub fn has_failed(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Client {
    options: ClientOptions,
    /// The gateway, and behind it those that the client goes to when it cannot reach it.
    addresses: VecDeque<SocketAddr>,
    state: Arc<Mutex<ClientState>>,
    start: Start,
}

impl Client {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            let Some(mut stream) = self.connect(&mut commands).await else {
                continue;
            };
            let mut is_paused = false;
            loop {
                // All branches are cancel safe.
                tokio::select! {
                    message = stream.next(), if !is_paused => match message {
                        Ok((message, cursor)) => self.update(|state| {
                            state.fold.apply(message);
                            if let Some(cursor) = cursor {
                                state.fold.set_cursor(cursor);
                            }
                        }),
                        Err(code) => {
                            self.update(|state| state.closes.push(code.unwrap_or(0)));
                            break;
                        }
                    },
                    command = commands.recv() => match command {
                        Some(Command::Move(addresses)) => {
                            self.addresses = addresses.into();
                            break;
                        }
                        Some(Command::Cut(cut, addresses)) => {
                            self.addresses = addresses.into();
                            stream.cut(cut).await;
                            break;
                        }
                        Some(Command::Pause) => is_paused = true,
                        Some(Command::Continue) => is_paused = false,
                        None => return,
                    }
                }
            }
            self.update(|state| state.is_connected = false);
        }
    }

    async fn connect(&mut self, commands: &mut mpsc::Receiver<Command>) -> Option<Stream> {
        let cursor = self.update(|state| state.fold.cursor.as_ref().map(ToString::to_string));
        let (start, continues) = match (&self.start, cursor) {
            (Start::Now, _) => ("now".to_owned(), false),
            (Start::OtherCursor(cursor), _) => (cursor.clone(), true),
            (Start::Cursor, Some(cursor)) => (cursor, true),
            (Start::Snapshot, _) | (Start::Cursor, None) => ("snapshot".to_owned(), false),
        };
        match Stream::open(&self.options, self.addresses[0], &start).await {
            HandshakeResult::Stream(stream) => {
                self.start = Start::Cursor;
                self.update(|state| {
                    state.fold.connected(continues);
                    state.is_connected = true;
                });
                Some(*stream)
            }
            HandshakeResult::Refused(status) => {
                self.update(|state| state.refusals.push(status));
                if status == 410 {
                    self.start = Start::Snapshot;
                }
                self.back_off(commands).await;
                None
            }
            HandshakeResult::Unreachable => {
                self.addresses.rotate_left(1);
                self.back_off(commands).await;
                None
            }
        }
    }

    /// Pauses before the next attempt, unless a command comes.
    async fn back_off(&mut self, commands: &mut mpsc::Receiver<Command>) {
        if let Ok(Some(Command::Move(addresses) | Command::Cut(_, addresses))) =
            tokio::time::timeout(Duration::from_millis(20), commands.recv()).await
        {
            self.addresses = addresses.into();
        }
    }

    fn update<T>(&self, change: impl FnOnce(&mut ClientState) -> T) -> T {
        change(&mut self.state.lock().expect("no panic"))
    }
}

//! Thousands of clients, too many to fold a view each. A client keeps its cursor, the number of its
//! changes and a sum over them, which tell whether it received each change of its filter once.
//!
//! All of them speak cloudevents.json: it has a cursor, and never composes changes.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use people_client::Cursor;
use people_gateway::domain::{LogPosition, Partition, Position};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// The limit of a handshake: all of them may come at once.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(60);
/// Pause after an attempt that failed.
const BACKOFF: Duration = Duration::from_millis(20);
/// The buffer of a connection, in bytes.
const BUFFER_BYTES: usize = 1024;

/// Clients that run until they are dropped.
pub struct Crowd {
    members: Vec<Arc<Mutex<Member>>>,
    _tasks: JoinSet<()>,
}

/// What a client keeps.
#[derive(Clone, Debug, Default)]
pub struct Member {
    /// The number of its filter.
    pub filter: usize,
    /// The cursor of its first `live`.
    pub first: Option<Cursor>,
    pub cursor: Option<Cursor>,
    pub is_live: bool,
    pub lives: usize,
    pub resets: usize,
    /// The changes since the first `live`.
    pub changes: Changes,
    /// Changes that came before an earlier one of their partition, or twice.
    pub disorder: Option<String>,
    /// Codes of close frames.
    pub closes: Vec<u16>,
    last: BTreeMap<Partition, Position>,
}

/// The number of changes, and a sum over them that does not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub count: usize,
    sum: u64,
}

impl Changes {
    pub fn add(&mut self, at: LogPosition, verdict: &str) {
        let mut hash = DefaultHasher::new();
        (at.to_string(), verdict).hash(&mut hash);
        self.count += 1;
        self.sum = self.sum.wrapping_add(hash.finish());
    }
}

impl Crowd {
    /// Connects so many clients. Each has one of these filters, and goes to the next address when
    /// it cannot reach one.
    pub fn start(clients: usize, filters: &[String], addresses: &[SocketAddr]) -> Self {
        let mut tasks = JoinSet::new();
        let members = (0..clients).map(|number| {
            let filter = number % filters.len();
            let member = Member {
                filter,
                ..Member::default()
            };
            let member = Arc::new(Mutex::new(member));
            let client = Client {
                member: Arc::clone(&member),
                condition: filters[filter].clone(),
                addresses: addresses.to_vec(),
            };
            tasks.spawn(client.run());
            member
        });
        Self {
            members: members.collect(),
            _tasks: tasks,
        }
    }

    /// The clients for which this holds.
    pub fn count(&self, holds: impl Fn(&Member) -> bool) -> usize {
        self.members().filter(|member| holds(member)).count()
    }

    /// Copies of what the clients keep.
    pub fn members(&self) -> impl Iterator<Item = Member> {
        let all = self.members.iter();
        all.map(|member| member.lock().expect("no panic").clone())
    }
}

struct Client {
    member: Arc<Mutex<Member>>,
    condition: String,
    addresses: Vec<SocketAddr>,
}

impl Client {
    async fn run(mut self) {
        loop {
            let opened = timeout(HANDSHAKE_LIMIT, self.open()).await;
            if let Ok(Some(mut socket)) = opened {
                self.read(&mut socket).await;
                self.update(|member| member.is_live = false);
            } else {
                self.addresses.rotate_left(1);
                sleep(BACKOFF).await;
            }
        }
    }

    async fn open(&self) -> Option<WebSocketStream<TcpStream>> {
        let address = self.addresses[0];
        let cursor = self.update(|member| member.cursor.as_ref().map(ToString::to_string));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("from", cursor.as_deref().unwrap_or("now"))
            .append_pair("where", &self.condition)
            .finish();
        let stream = TcpStream::connect(address).await.ok()?;
        let url = format!("ws://{address}/updates?{query}");
        let mut request = url.into_client_request().expect("a request");
        let protocol = "cloudevents.json".parse().expect("a header");
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", protocol);
        let small = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES);
        let opened = client_async_with_config(request, stream, Some(small)).await;
        opened.ok().map(|(socket, _)| socket)
    }

    /// Reads until the connection ends.
    async fn read(&self, socket: &mut WebSocketStream<TcpStream>) {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let event = serde_json::from_str(&text).expect("an event");
                    self.update(|member| member.note(&event));
                }
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map_or(0, |frame| frame.code.into());
                    self.update(|member| member.closes.push(code));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
    }

    fn update<T>(&self, change: impl FnOnce(&mut Member) -> T) -> T {
        change(&mut self.member.lock().expect("no panic"))
    }
}

/// What a client reads of an event.
#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: EventData,
}

#[derive(Default, Deserialize)]
struct EventData {
    cursor: Option<String>,
}

impl Member {
    fn note(&mut self, event: &Event) {
        let cursor = || {
            let text = event.data.cursor.as_ref().expect("it has a cursor");
            text.parse::<Cursor>().expect("a cursor")
        };
        match event.kind.strip_prefix("people.").expect("our type") {
            "live" => {
                let cursor = cursor();
                self.first.get_or_insert_with(|| cursor.clone());
                self.cursor = Some(cursor);
                self.is_live = true;
                self.lives += 1;
            }
            "position" => self.cursor = Some(cursor()),
            "reset" => {
                self.resets += 1;
                (self.cursor, self.first) = (None, None);
                self.last.clear();
                self.changes = Changes::default();
            }
            verdict @ ("create" | "enter" | "update" | "leave" | "delete") => {
                self.change(event.id.parse().expect("a log position"), verdict);
            }
            _ => {}
        }
    }

    fn change(&mut self, at: LogPosition, verdict: &str) {
        if let Some(last) = self.last.insert(at.partition, at.position)
            && last.seq >= at.position.seq
        {
            self.disorder = Some(format!("{at} came after {last}"));
        }
        // Before the first `live` there is nothing to compare with.
        if let Some(cursor) = &mut self.cursor {
            cursor.advance(at);
            self.changes.add(at, verdict);
        }
    }
}

//! A gateway in this process: its server on a free port, an embedded store in a temporary folder,
//! and a client. Dropping it stops all of them.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use people_gateway::domain::Partitions;
use people_gateway::history::{self, History};
use people_gateway::http::{
    HttpServer, HttpState, Metrics, Options, ServerOptions, router, system_clock,
};
use people_gateway::limits::{self, Limits};
use people_gateway::session::{self, Sessions};
use people_gateway::store::embedded::{self, EmbeddedStore};
use people_gateway::store::{Retention, Store, StoreSlot};
use people_gateway::telemetry::{Readiness, Traces};
use reqwest::header::HeaderMap;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::wait::DEADLINE;

type Wrap = Box<dyn FnOnce(Arc<dyn Store>) -> Arc<dyn Store>>;

/// How the gateway reaches the embedded store.
pub enum StoreAccess {
    Direct,
    /// Through another store that wraps it.
    Wrapped(Wrap),
    /// Never: the store is unavailable from the start.
    Unavailable,
}

/// The options of a gateway.
pub struct Setup {
    pub options: Options,
    pub server: ServerOptions,
    pub partitions: u16,
    pub store_access: StoreAccess,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            options: Options::default(),
            server: ServerOptions::default(),
            partitions: 4,
            store_access: StoreAccess::Direct,
        }
    }
}

/// A running gateway.
pub struct Gateway {
    pub address: SocketAddr,
    /// The embedded store, without any wrapper.
    pub store: Arc<dyn Store>,
    pub metrics: Arc<Metrics>,
    pub shutdown: CancellationToken,
    pub tracker: TaskTracker,
    client: reqwest::Client,
    _directory: TempDir,
}

/// An answer with its whole body.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Gateway {
    /// Starts a gateway with the default limits and four partitions.
    pub async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    pub async fn start_with(setup: Setup) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let partitions = Partitions::new(NonZeroU16::new(setup.partitions).expect("at least one"));
        let retention = Retention {
            log_max: NonZeroUsize::new(100_000).expect("not zero"),
            idempotency_ttl: Duration::from_secs(86_400),
        };
        let options = embedded::Options {
            // A disk may be slow.
            answer_within: DEADLINE,
            ..embedded::Options::new(directory.path(), partitions, retention)
        };
        let store: Arc<dyn Store> =
            tokio::task::spawn_blocking(move || EmbeddedStore::open(options))
                .await
                .expect("no panic")
                .expect("a store");
        let slot = StoreSlot::new();
        match setup.store_access {
            StoreAccess::Direct => slot.fill(Arc::clone(&store)),
            StoreAccess::Wrapped(wrap) => slot.fill(wrap(Arc::clone(&store))),
            StoreAccess::Unavailable => {}
        }
        let metrics = Arc::new(Metrics::default());
        let state = state(slot, setup.options, Arc::clone(&metrics));
        let server = HttpServer::bind(
            ([127, 0, 0, 1], 0).into(),
            setup.server,
            Arc::clone(&metrics),
        )
        .expect("a port");
        let address = server.local_addr().expect("an address");
        let (shutdown, tracker) = (CancellationToken::new(), TaskTracker::new());
        tokio::spawn(server.serve(router(state), shutdown.clone(), tracker.clone()));
        let client = reqwest::Client::builder()
            .timeout(DEADLINE)
            .build()
            .expect("a client");
        Self {
            address,
            store,
            metrics,
            shutdown,
            tracker,
            client,
            _directory: directory,
        }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    pub async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = self.request(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.body(body.to_owned());
        }
        Answer::of(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], "").await
    }

    /// Makes a call with a JSON body.
    pub async fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        self.call(method, path, &[("content-type", "application/json")], body)
            .await
    }

    /// Creates a person, and returns the id.
    pub async fn create(&self, body: &str) -> String {
        let answer = self.send("POST", "/people", body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Opens a TCP connection to the gateway.
    pub async fn connect(&self) -> TcpStream {
        timeout(DEADLINE, TcpStream::connect(self.address))
            .await
            .expect("in time")
            .expect("a connection")
    }

    /// Sends these bytes unchanged, and reads to the end of the connection.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.expect("sent");
        read_to_end(&mut stream).await
    }
}

/// The state of the handlers. No relay runs, so the gateway refuses live updates: these tests are
/// about REST.
pub fn state(store: StoreSlot, options: Options, metrics: Arc<Metrics>) -> HttpState {
    let history = Arc::new(History::new(history::Options::default()));
    let session_options = session::Options::default();
    let (sessions, _) = Sessions::new(
        history,
        store.clone(),
        session_options,
        None,
        session::Metrics::default(),
    );
    HttpState {
        store,
        sessions,
        authentication: None,
        limits: Arc::new(Limits::new(
            limits::Options::default(),
            limits::Metrics::default(),
            Arc::default(),
        )),
        audit: Arc::default(),
        options: Arc::new(options),
        metrics,
        clock: system_clock,
        readiness: Readiness::new(Duration::from_secs(5)),
        traces: Traces::default(),
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Resolves a relative reference (RFC 3986, section 5.2) in an answer from `path`. Returns a path
/// with its query.
pub fn resolved(path: &str, reference: &str) -> String {
    assert!(
        !reference.starts_with('/'),
        "this reference breaks behind a proxy with a path: {reference}"
    );
    let base = url::Url::parse(&format!("http://gateway{path}")).expect("a path");
    let url = base.join(reference).expect("a reference");
    url[url::Position::BeforePath..].to_owned()
}

/// Reads until the peer closes.
pub async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut bytes))
        .await
        .expect("the peer closes in time")
        .expect("no reset");
    String::from_utf8(bytes).expect("text")
}

impl Answer {
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self {
            status,
            headers,
            body: response.text().await.expect("a body"),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("ASCII"))
    }

    pub fn json(&self) -> serde_json::Value {
        let document = serde_json::from_str(&self.body);
        assert!(document.is_ok(), "not JSON: {self:?}");
        document.expect("it is valid")
    }

    /// Asserts a problem of this status and name, and returns its document.
    #[track_caller]
    pub fn problem(&self, status: u16, name: &str) -> serde_json::Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let document = self.json();
        assert_eq!(document["type"], format!("/problems/{name}"), "{document}");
        assert_eq!(document["status"], status, "{document}");
        assert!(
            document["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{document}"
        );
        let id = self.header("x-request-id").expect("a request id");
        assert_eq!(document["instance"], format!("urn:uuid:{id}"), "{document}");
        document
    }
}

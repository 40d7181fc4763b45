//! A scripted server for single connections, and helpers for its clients.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use people_client::{ClientError, LiveClient, LiveEvent, Options, Timeouts};
use people_testing::wait::DEADLINE;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::{
    Callback, ErrorResponse, Request, Response,
};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, http::HeaderValue};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

pub(crate) struct Server {
    listener: TcpListener,
}

/// A client's connection, and the query and the token of its handshake.
pub(crate) struct Peer {
    pub(crate) query: Vec<(String, String)>,
    /// `Authorization`; empty if it is missing.
    pub(crate) authorization: String,
    socket: WebSocketStream<TcpStream>,
}

/// Answers a handshake with a subprotocol, and records the query and the token.
struct Answer<'a> {
    subprotocol: &'static str,
    query: &'a mut Vec<(String, String)>,
    authorization: &'a mut String,
}

impl Callback for Answer<'_> {
    fn on_request(
        self,
        request: &Request,
        mut response: Response,
    ) -> Result<Response, ErrorResponse> {
        assert_eq!(
            request.headers()["sec-websocket-protocol"],
            "people.v1.json"
        );
        assert_eq!(request.uri().path(), "/updates");
        if let Some(value) = request.headers().get("authorization") {
            value
                .to_str()
                .expect("ASCII")
                .clone_into(self.authorization);
        }
        let text = request.uri().query().unwrap_or_default();
        *self.query = url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect();
        response.headers_mut().insert(
            "sec-websocket-protocol",
            HeaderValue::from_static(self.subprotocol),
        );
        Ok(response)
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/updates", self.listener.local_addr().unwrap())
    }

    /// A client of this server, with short waits.
    pub(crate) fn client(&self) -> Options {
        LiveClient::builder(self.url().parse().unwrap()).timeouts(timeouts())
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        timeout(DEADLINE, self.listener.accept())
            .await
            .expect("a connection in time")
            .unwrap()
            .0
    }

    /// Accepts the next connection, with this subprotocol.
    pub(crate) async fn accept_as(&self, subprotocol: &'static str) -> Peer {
        let (mut query, mut authorization) = (Vec::new(), String::new());
        let answer = Answer {
            subprotocol,
            query: &mut query,
            authorization: &mut authorization,
        };
        let socket = accept_hdr_async(self.tcp().await, answer)
            .await
            .expect("a handshake");
        Peer {
            query,
            authorization,
            socket,
        }
    }

    pub(crate) async fn accept(&self) -> Peer {
        self.accept_as("people.v1.json").await
    }

    /// Accepts the next connection, and answers its handshake with these pieces of text, one by
    /// one.
    pub(crate) async fn answer(&self, pieces: &[&str]) {
        self.answer_request(pieces).await;
    }

    /// As [`Server::answer`]. Returns the request.
    pub(crate) async fn answer_request(&self, pieces: &[&str]) -> String {
        let mut stream = self.tcp().await;
        stream.set_nodelay(true).unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
        }
        for piece in pieces {
            stream.write_all(piece.as_bytes()).await.unwrap();
            // Both sides run on one thread: yielding lets the client read each piece alone.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
        // Stays open until the client closes.
        let _ = stream.read(&mut [0]).await;
        String::from_utf8(request).expect("ASCII")
    }

    /// Accepts the next connection, and waits for the client's event about it.
    pub(crate) async fn accept_client(&self, live: &mut LiveClient) -> Peer {
        let (peer, event) = tokio::join!(self.accept(), next(live));
        assert!(matches!(event, LiveEvent::Connected { .. }), "{event:?}");
        peer
    }
}

impl Peer {
    /// The value of a query parameter; empty if it is missing.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    pub(crate) async fn send_json(&mut self, message: &Value) {
        self.send(&message.to_string()).await;
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.socket
            .send(Message::text(text))
            .await
            .expect("an open connection");
    }

    pub(crate) async fn try_send(&mut self, text: &str) -> bool {
        self.socket.send(Message::text(text)).await.is_ok()
    }

    /// The client's next message.
    pub(crate) async fn next_message(&mut self) -> Value {
        let message = timeout(DEADLINE, self.socket.next())
            .await
            .expect("in time")
            .expect("a message")
            .unwrap();
        serde_json::from_str(message.to_text().unwrap()).expect("JSON")
    }

    pub(crate) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.to_owned().into(),
        };
        self.socket
            .close(Some(frame))
            .await
            .expect("an open connection");
        // Waits until the client has answered and closed.
        while let Ok(Some(Ok(_))) = timeout(DEADLINE, self.socket.next()).await {}
    }
}

pub(crate) fn timeouts() -> Timeouts {
    Timeouts {
        backoff_first: Duration::from_millis(1),
        backoff_most: Duration::from_millis(20),
        token: DEADLINE,
        connect: DEADLINE,
        silence: DEADLINE,
        stop: DEADLINE,
    }
}

pub(crate) async fn next_result(live: &mut LiveClient) -> Result<LiveEvent, ClientError> {
    timeout(DEADLINE, live.next())
        .await
        .expect("an event in time")
}

pub(crate) async fn next(live: &mut LiveClient) -> LiveEvent {
    next_result(live).await.expect("no end")
}

pub(crate) fn id(person: u8) -> String {
    format!("0190f3e2-7c1b-7d9a-8f00-{person:012x}")
}

fn person(person: u8, revision: &str) -> Value {
    json!({
        "id": id(person), "firstName": "Ada", "lastName": "Lovelace", "age": 36, "job": "",
        "revision": revision,
    })
}

pub(crate) fn page(people: &[u8]) -> Value {
    let people: Vec<_> = people
        .iter()
        .map(|number| person(*number, "a.1.1"))
        .collect();
    json!({"type": "snapshot", "people": people})
}

pub(crate) fn live_at(cursor: &str) -> Value {
    json!({"type": "live", "cursor": cursor})
}

/// A create of person `number`.
pub(crate) fn create(number: u8, at: &str) -> Value {
    json!({"type": "create", "at": at, "person": person(number, at.split_once(':').unwrap().1)})
}

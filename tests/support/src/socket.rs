//! A WebSocket client that sends and reads text messages.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::wait::DEADLINE;

const PROTOCOL: &str = "sec-websocket-protocol";

/// A client's open WebSocket.
pub struct Listener(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

/// How a WebSocket ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The server sent a close frame with this code and reason.
    Closed(u16, String),
    /// The connection ended without a close frame.
    Cut,
}

impl Listener {
    /// Opens a WebSocket.
    pub async fn open(address: SocketAddr, path: &str) -> Self {
        let opened = timeout(DEADLINE, connect_async(format!("ws://{address}{path}")))
            .await
            .expect("an answer in time");
        Self(opened.expect("a handshake").0)
    }

    /// Opens a WebSocket that offers these subprotocols. Also returns the one that the server
    /// chose.
    pub async fn open_as(
        address: SocketAddr,
        path: &str,
        subprotocols: &str,
    ) -> (Self, Option<String>) {
        Self::open_with(address, path, &[(PROTOCOL, subprotocols)]).await
    }

    /// The same with these headers in the handshake.
    pub async fn open_with(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> (Self, Option<String>) {
        let opened = Self::try_open_with(address, path, headers).await;
        opened.expect("a handshake")
    }

    /// The same on a server that may be away, or may refuse.
    ///
    /// # Errors
    ///
    /// The refusal, or why there was no answer.
    pub async fn try_open_with(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, Option<String>), tungstenite::Error> {
        let mut request = format!("ws://{address}{path}")
            .into_client_request()
            .expect("a request");
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, value.parse().expect("a header"));
        }
        let opened = timeout(DEADLINE, connect_async(request))
            .await
            .expect("an answer in time");
        let (socket, answer) = opened?;
        let chosen = answer
            .headers()
            .get(PROTOCOL)
            .map(|chosen| chosen.to_str().expect("ASCII").to_owned());
        Ok((Self(socket), chosen))
    }

    /// Tries to open a WebSocket that the server must refuse, and returns the HTTP status.
    pub async fn refused(address: SocketAddr, path: &str) -> u16 {
        match timeout(DEADLINE, connect_async(format!("ws://{address}{path}")))
            .await
            .expect("an answer in time")
        {
            Err(tungstenite::Error::Http(answer)) => answer.status().as_u16(),
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Sends a text.
    pub async fn say(&mut self, text: &str) {
        self.try_say(text).await.expect("an open socket");
    }

    /// Sends a text on a socket that may have ended.
    ///
    /// # Errors
    ///
    /// Why it cannot be sent.
    pub async fn try_say(&mut self, text: &str) -> Result<(), tungstenite::Error> {
        timeout(DEADLINE, self.0.send(Message::text(text)))
            .await
            .expect("in time")
    }

    /// The next text, or how the WebSocket ended. Skips control frames, which the library answers.
    pub async fn next(&mut self) -> Result<String, End> {
        // One limit for the whole wait: a limit for each frame would start again with each ping.
        timeout(DEADLINE, self.next_text())
            .await
            .expect("a text arrives in time")
    }

    async fn next_text(&mut self) -> Result<String, End> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => return Err(end(frame)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(End::Cut),
            }
        }
    }

    /// The next text; panics if the WebSocket has ended.
    pub async fn sentence(&mut self) -> String {
        self.next().await.expect("a text")
    }

    /// Reads up to the text that contains `last`, and returns the texts before it.
    pub async fn until(&mut self, last: &str) -> Vec<String> {
        let mut texts = Vec::new();
        loop {
            let text = self.sentence().await;
            if text.contains(last) {
                return texts;
            }
            texts.push(text);
        }
    }

    /// Reads until the WebSocket ends, and returns how it ended.
    pub async fn end(mut self) -> End {
        loop {
            if let Err(end) = self.next().await {
                return end;
            }
        }
    }
}

fn end(frame: Option<CloseFrame>) -> End {
    frame.map_or(End::Closed(1005, String::new()), |frame| {
        End::Closed(frame.code.into(), frame.reason.as_str().to_owned())
    })
}

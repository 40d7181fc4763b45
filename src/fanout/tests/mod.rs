//! The dispatcher without a relay: sessions join, get changes, and get continuity messages.

mod announcing;
mod continuity;
mod joining;

use std::sync::Arc;

use tokio::net::UnixStream;

use super::{Dispatcher, Metrics, Options};
use crate::domain::{Cursor, Epoch, Position};
use crate::filter::View;
use crate::history::{self, Checkpoint, History};
use crate::protocol::format::WireFormat;
use crate::rights::Scope;
use crate::session::{
    self, CatchUp, Connection, DrainHandle, ServeHandle, SessionCommand, Sessions, Socket,
    Subscription,
};
use crate::store::StoreSlot;
use crate::telemetry::Traces;

/// A dispatcher whose history has begun, without members.
fn dispatcher() -> Dispatcher {
    let history = Arc::new(History::new(history::Options::default()));
    let sessions = Sessions::new(
        Arc::clone(&history),
        StoreSlot::new(),
        session::Options::default(),
        None,
        session::Metrics::default(),
    );
    let (metrics, traces) = (Metrics::default(), Traces::default());
    let mut dispatcher = Dispatcher::new(Options::default(), history, sessions, metrics, traces);
    dispatcher.start(Cursor::new([Position::start_of(Epoch::new(1))]), Vec::new());
    dispatcher
}

/// The newest checkpoint of its history.
fn newest(dispatcher: &Dispatcher) -> Checkpoint {
    dispatcher.history.checkpoint().expect("it was started")
}

fn subscription(filter: &str, format: WireFormat) -> Subscription {
    let view = View {
        filter: Scope::everything().filter(filter).expect("a filter"),
        ..View::default()
    };
    Subscription {
        view,
        format,
        ..Subscription::default()
    }
}

/// Opens a session with this catch-up, and adds it to the roster.
fn open(
    dispatcher: &Dispatcher,
    socket: impl Into<Socket>,
    subscription: Subscription,
    catch_up: CatchUp,
) -> DrainHandle {
    let handle = Connection::open(socket.into(), subscription, catch_up, None);
    dispatcher.sessions.adopt(&handle);
    handle
}

/// A session on one end of a socket pair that has caught up, and its client on the other.
fn caught_up(dispatcher: &Dispatcher, subscription: Subscription) -> (ServeHandle, UnixStream) {
    let (near, far) = UnixStream::pair().expect("two file descriptors");
    let catch_up = CatchUp::replay(newest(dispatcher));
    let handle = open(dispatcher, near, subscription, catch_up);
    (handle.hand_over().expect("nothing waits"), far)
}

fn join(dispatcher: &mut Dispatcher, session: &ServeHandle) {
    dispatcher.apply(SessionCommand::Join(session.clone()));
}

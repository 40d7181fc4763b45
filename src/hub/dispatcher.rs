//! The one that serves: judges what the relay passes on and writes it to every session concerned.

use std::sync::{Arc, PoisonError};

use tokio::sync::mpsc;

use super::backlog::TooMuchAsked;
use super::burst::{Burst, End, Stretch};
use super::registry::Registry;
use super::ring::Ring;
use super::standing::{Attend, Course, Delivery};
use super::{Command, Entry, Event, Hub, Outbox, Place};
use crate::domain::Change;
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::cursor::Cursor;
use crate::protocol::message::Message;

/// A joining session may be this many entries behind; further behind it catches up by itself first.
const JOIN_ENTRIES: usize = 256;
/// Writes after which the rest of the thread (the feed above all) gets its turn.
const WRITES_IN_A_ROW: usize = 256;

/// The half of the hub that one thread owns.
pub struct Dispatcher {
    hub: Arc<Hub>,
    commands: mpsc::Receiver<Command>,
    registry: Registry,
}

impl Dispatcher {
    pub(super) fn new(hub: Arc<Hub>, commands: mpsc::Receiver<Command>) -> Self {
        Self { hub, commands, registry: Registry::default() }
    }

    /// Opens the hub at `start`, with changes that were made after it and need not be sent to anyone.
    pub fn start(&self, start: Cursor, changes: Vec<Change>) {
        let mut ring = Ring::new(start, self.hub.options.ring_bytes.get());
        for change in changes {
            ring.push(Event::Change(change));
        }
        *self.hub.ring.lock().unwrap_or_else(PoisonError::into_inner) = Some(ring);
    }

    /// Shows what happened to all whom it concerns. Not cancel safe: a cancelled call has shown it to some.
    pub async fn publish(&mut self, events: Vec<Event>) {
        let Some((before, entries)) = self.record(events) else { return };
        self.hub.moved.notify_waiters();
        let mut stretch = Stretch::new(before, &entries);
        let mut writes = 0;
        for number in 0..self.registry.len() {
            if self.registry.class(number).members().is_empty() {
                continue;
            }
            let Some(burst) = stretch.burst(&self.registry.class(number).subscription) else { continue };
            let mut slot = 0;
            while let Some(member) = self.registry.class(number).members().get(slot).cloned() {
                if self.deliver(&member, &burst) {
                    slot += 1;
                }
                writes += 1;
                if writes % WRITES_IN_A_ROW == 0 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Tells those of their position who were shown nothing of what happened since they last knew it. Not cancel safe.
    pub async fn tell_positions(&mut self) {
        let Some(place) = self.hub.place() else { return };
        let mut looked = 0;
        for number in 0..self.registry.len() {
            let dress = self.registry.class(number).subscription.dress;
            let Some(frame) = dress.message(&Message::Position(&place.cursor)) else { continue };
            let mut slot = 0;
            while let Some(member) = self.registry.class(number).members().get(slot).cloned() {
                self.hub.attend_if(member.tell_position(&frame, &place), &member);
                (slot, looked) = (slot + 1, looked + 1);
                if looked % WRITES_IN_A_ROW == 0 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Tells every session whether continuity is proved.
    pub fn tell_continuity(&self, word: &Message<'_>) {
        for outbox in self.hub.sessions() {
            self.hub.attend_if(outbox.tell_continuity(word), &outbox);
        }
    }

    /// The next command; none when nobody is left to send one. Cancel safe.
    pub async fn next_command(&mut self) -> Option<Command> {
        self.commands.recv().await
    }

    /// Carries out a command.
    pub fn execute(&mut self, command: Command) {
        match command {
            Command::Join(outbox) => self.join(outbox),
            Command::Leave(outbox) => drop(self.registry.remove(&outbox)),
            Command::Ask(outbox, wish) => {
                let Some(place) = self.hub.place() else { return };
                self.registry.remove(&outbox);
                match outbox.ask(wish, &place) {
                    Ok(attend) => self.hub.attend_if(attend, &outbox),
                    Err(TooMuchAsked) => self.hub.close(&outbox, &Close::ASKED_TOO_MUCH),
                }
            }
        }
    }

    /// Writes the events into the ring; returns the place before them, and the entries.
    fn record(&self, events: Vec<Event>) -> Option<(Place, Vec<Arc<Entry>>)> {
        self.hub.with_ring(|ring| {
            let before = ring.end().clone();
            (before, events.into_iter().map(|event| ring.push(event)).collect())
        })
    }

    fn join(&mut self, outbox: Arc<Outbox>) {
        let Some(place) = outbox.join() else { return };
        let missed = self.hub.after(place.offset, JOIN_ENTRIES + 1).filter(|missed| missed.len() <= JOIN_ENTRIES);
        let Some(missed) = missed else {
            let course = Course::Missed { from: place, owes_live: None };
            self.hub.attend_if(outbox.leave_stream(course), &outbox);
            return;
        };
        let burst = Stretch::new(place, &missed).burst(&outbox.subscription());
        self.registry.add(Arc::clone(&outbox));
        if let Some(burst) = burst {
            self.deliver(&outbox, &burst);
        }
    }

    /// Returns whether the session stays in its class.
    fn deliver(&mut self, outbox: &Arc<Outbox>, burst: &Burst) -> bool {
        match outbox.deliver(burst, &self.hub.options) {
            Delivery::Taken(attend) => {
                self.hub.metrics.deliveries.inc_by(burst.shown.len() as u64);
                if attend == Attend::Needed {
                    self.hub.metrics.session_backlogs.inc();
                }
                self.hub.attend_if(attend, outbox);
                match burst.end {
                    End::Open => return true,
                    End::Closes => self.hub.close(outbox, &Close::new(CloseCode::NORMAL, "")),
                    End::Breaks(reason) => {
                        let course = Course::Snapshot { reset: Some(reason) };
                        self.hub.attend_if(outbox.leave_stream(course), outbox);
                    }
                }
                self.registry.remove(outbox);
                false
            }
            Delivery::Overflowed(attend) => {
                self.hub.metrics.session_overflows.inc();
                self.registry.remove(outbox);
                self.hub.attend_if(attend, outbox);
                false
            }
            Delivery::Gone => {
                self.registry.remove(outbox);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::domain::{At, Epoch, FieldsJson, Partition, Position, Seq, Tag, Timestamp};
    use crate::filter::View;
    use crate::hub::{Options, Subscription};
    use crate::protocol::dress::Dress;
    use crate::telemetry::Metrics;

    fn save(seq: u64) -> Event {
        let json = format!(r#"{{"firstName":"n{seq}.","lastName":"L","age":36,"job":""}}"#);
        let position = Position { epoch: Epoch::new(1), seq: Seq::new(seq).unwrap(), tag: Tag::new(seq) };
        Event::Change(Change {
            at: At::new(Partition::new(0), position),
            previous: Tag::START,
            id: "0190f3e2-7c1b-7d9a-8f00-1234567890ab".parse().unwrap(),
            time: Timestamp::from_millis(0),
            created_at: Timestamp::from_millis(0),
            before: None,
            after: Some(FieldsJson::from_stored(&json).unwrap()),
        })
    }

    /// From outside this window is too short to be hit: between the place that a handshake took and the session's join.
    #[tokio::test]
    async fn what_was_published_between_a_sessions_place_and_its_join_is_shown_once_and_first() {
        let (hub, mut dispatcher) = Hub::new(Options::default(), Metrics::default());
        dispatcher.start(Cursor::new([Position::start_of(Epoch::new(1))]), Vec::new());
        dispatcher.publish(vec![save(1)]).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let subscription = Subscription { view: View::default(), dress: Dress::Text, close_on: None };
        let course = Course::Missed { from: hub.place().unwrap(), owes_live: None };
        let outbox = Outbox::new(listener.accept().await.unwrap().0.into(), subscription, course, None);

        dispatcher.publish(vec![save(2), save(3)]).await;
        assert!(outbox.begin_join());
        dispatcher.publish(vec![save(4)]).await;
        dispatcher.execute(Command::Join(Arc::clone(&outbox)));
        dispatcher.publish(vec![save(5)]).await;

        outbox.end(CloseCode::ABNORMAL);
        let mut sent = Vec::new();
        peer.read_to_end(&mut sent).await.unwrap();
        let sent = String::from_utf8_lossy(&sent).into_owned();
        let shown: Vec<_> = sent.split("firstName=").skip(1).filter_map(|rest| rest.split(',').next()).collect();
        assert_eq!(shown, ["n2.", "n3.", "n4.", "n5."]);
    }
}

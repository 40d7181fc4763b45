//! The format of a stream: its abilities, and its encoding.

use std::sync::Arc;

use bytes::Bytes;

use super::piece::Piece;
use super::{cloudevents, json, page, sse, text};
use crate::domain::{Change, Cursor, CursorText, Fingerprint, Person};
use crate::filter::Verdict;
use crate::protocol::close::Close;
use crate::protocol::frame;
use crate::protocol::message::{Composed, Message};
use crate::rights::{Mask, Scope};
use crate::telemetry::Label;

/// The form that a client chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WireFormat {
    /// Plain sentences, as the clients of the tutorial's service expect them.
    #[default]
    Text,
    /// people.v1.json: JSON messages over WebSocket.
    Json,
    /// `CloudEvents` 1.0.2 in JSON, over WebSocket.
    CloudEvents,
    /// Server-sent events with people.v1.json's messages as data.
    Sse,
}

/// What carries the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// WebSocket text frames (RFC 6455).
    WebSocket,
    /// Server-sent events (WHATWG HTML, section 9.2).
    EventStream,
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// A sentence; only changes have one.
    Sentences,
    /// A message of people.v1.json.
    Messages,
    /// The same in an envelope of `CloudEvents`.
    Envelopes,
}

/// The messages that a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientInput {
    /// The words of the text format; what else it sends is ignored.
    Words,
    /// JSON messages, as text.
    Messages,
    /// Nothing.
    Nothing,
}

/// What a frame of one change depends on: clients with equal keys are sent the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FrameKey {
    format: WireFormat,
    verdict: Verdict,
    mask: Option<Arc<Mask>>,
    rights: Option<Fingerprint>,
}

impl WireFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Text, Self::Json, Self::CloudEvents, Self::Sse];

    /// Its name in metrics and in docs/asyncapi.yaml.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::CloudEvents => "cloudevents",
            Self::Sse => "sse",
        }
    }

    pub(super) const fn framing(self) -> Framing {
        match self {
            Self::Text | Self::Json | Self::CloudEvents => Framing::WebSocket,
            Self::Sse => Framing::EventStream,
        }
    }

    pub(super) const fn encoding(self) -> Encoding {
        match self {
            Self::Text => Encoding::Sentences,
            Self::Json | Self::Sse => Encoding::Messages,
            Self::CloudEvents => Encoding::Envelopes,
        }
    }

    /// The format that a WebSocket subprotocol names; names are case-sensitive (RFC 6455, section
    /// 4.1).
    pub fn named(subprotocol: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.subprotocol() == Some(subprotocol))
    }

    /// The WebSocket subprotocol that names it.
    pub const fn subprotocol(self) -> Option<&'static str> {
        match self {
            Self::Text | Self::Sse => None,
            Self::Json => Some("people.v1.json"),
            Self::CloudEvents => Some("cloudevents.json"),
        }
    }

    /// The messages that its clients may send.
    pub const fn input(self) -> ClientInput {
        match self {
            Self::Text => ClientInput::Words,
            Self::Json | Self::CloudEvents => ClientInput::Messages,
            Self::Sse => ClientInput::Nothing,
        }
    }

    /// Whether a live view that fell behind gets its missed changes as one batch, not one by one.
    pub const fn composes(self) -> bool {
        match self {
            Self::Json | Self::Sse => true,
            Self::Text | Self::CloudEvents => false,
        }
    }

    /// Whether a view that resumes is sent a batch before `live`. A batch names the cursor after
    /// it, and the id of a server-sent event is not written before `live`.
    pub const fn composes_before_live(self) -> bool {
        match self {
            Self::Json => true,
            Self::Text | Self::CloudEvents | Self::Sse => false,
        }
    }

    /// Whether it has a message that makes a client drop its view and begin anew.
    pub const fn has_reset(self) -> bool {
        match self {
            Self::Json | Self::CloudEvents | Self::Sse => true,
            Self::Text => false,
        }
    }

    /// Whether its clients get the position when it moved without a change for them.
    pub const fn has_positions(self) -> bool {
        match self {
            Self::Json | Self::CloudEvents | Self::Sse => true,
            Self::Text => false,
        }
    }

    /// Whether its clients answer a ping; else it is the sign of life that the socket takes it.
    pub const fn answers_pings(self) -> bool {
        match self.framing() {
            Framing::WebSocket => true,
            Framing::EventStream => false,
        }
    }

    /// The first bytes of every session.
    pub fn prelude(self) -> Option<Bytes> {
        match self.framing() {
            Framing::WebSocket => None,
            Framing::EventStream => Some(sse::prelude()),
        }
    }

    /// What `change` looks like to a view that gave this verdict: a whole WebSocket text frame,
    /// header included, or a whole server-sent event; nothing where nothing is sent. `cursor` is
    /// the whole cursor after it, none before `live`; only server-sent events write it. `scope` is
    /// what the client sees, as in all frames.
    pub fn change(
        self,
        verdict: Verdict,
        change: &Change,
        cursor: Option<&Cursor>,
        scope: &Scope,
    ) -> Option<Bytes> {
        match self.encoding() {
            Encoding::Sentences => {
                text::sentence(verdict, change, scope).map(|sentence| frame::text(&sentence))
            }
            Encoding::Messages | Encoding::Envelopes => {
                let composed = Composed::of(verdict, change)?;
                let cursor = cursor.map(|cursor| cursor.under(scope.fingerprint()));
                let mut piece = self.open_change(&composed, cursor);
                self.write_change(&mut piece, &composed, change, scope);
                Some(piece.finish())
            }
        }
    }

    /// What a change with this verdict looks like to a client, as a key.
    pub fn frame_key(self, verdict: Verdict, scope: &Scope) -> FrameKey {
        let shows_person = match verdict {
            Verdict::Create | Verdict::Enter | Verdict::Update => true,
            Verdict::Leave | Verdict::Delete | Verdict::Outside => false,
        };
        let names_cursor = self.framing() == Framing::EventStream;
        FrameKey {
            format: self,
            verdict,
            mask: scope.mask().filter(|_| shows_person).cloned(),
            rights: scope.fingerprint().filter(|_| names_cursor),
        }
    }

    /// Any other message of the server; nothing in text.
    pub fn message(self, message: &Message<'_>, scope: &Scope) -> Option<Bytes> {
        let write = match self.encoding() {
            Encoding::Sentences => return None,
            Encoding::Messages => json::write_message,
            Encoding::Envelopes => cloudevents::write_message,
        };
        let cursor = message.resumable();
        let cursor = cursor.map(|cursor| cursor.under(scope.fingerprint()));
        let mut piece = self.piece(message.name(), cursor, 0);
        write(piece.buffer(), message, scope);
        Some(piece.finish())
    }

    /// A snapshot of these people in this order. The JSON formats fill pages of at most
    /// [`PAGE_BYTES`](super::PAGE_BYTES) and send one for no people, too; text has a sentence for
    /// each person.
    pub fn pages(self, people: &[Person], scope: &Scope) -> Vec<Bytes> {
        match self.encoding() {
            Encoding::Sentences => people
                .iter()
                .map(|person| frame::text(&text::saved(person.id, &person.fields, scope)))
                .collect(),
            Encoding::Messages => page::pages(&page::MESSAGES, people, scope, |room| {
                self.piece("snapshot", None, room)
            }),
            Encoding::Envelopes => page::pages(&page::ENVELOPES, people, scope, |room| {
                self.piece("snapshot", None, room)
            }),
        }
    }

    /// What is sent to a quiet client, so that both sides learn whether the other is there.
    pub fn ping(self) -> Bytes {
        match self.framing() {
            Framing::WebSocket => frame::ping(),
            Framing::EventStream => sse::COMMENT,
        }
    }

    /// How the server ends the stream; server-sent events just end.
    pub fn close(self, close: &Close) -> Bytes {
        match self.framing() {
            Framing::WebSocket => frame::close(close),
            Framing::EventStream => Bytes::new(),
        }
    }

    /// The beginning of a change, with all the room that it needs.
    fn open_change(self, composed: &Composed, cursor: Option<CursorText<'_>>) -> Piece {
        let envelope = match self.encoding() {
            Encoding::Sentences | Encoding::Messages => 0,
            Encoding::Envelopes => cloudevents::ENVELOPE,
        };
        let room = json::longest(composed) + envelope;
        self.piece(composed.verdict().name(), cursor, room)
    }

    fn write_change(self, piece: &mut Piece, composed: &Composed, change: &Change, scope: &Scope) {
        let out = piece.buffer();
        match self.encoding() {
            Encoding::Sentences => unreachable!("sentences are written at once"),
            Encoding::Messages => json::write_change(out, composed, change, scope),
            Encoding::Envelopes => cloudevents::write_change(out, composed, change, scope),
        }
    }

    /// The beginning of a change or message called `name`, with room for so many bytes.
    fn piece(self, name: &str, cursor: Option<CursorText<'_>>, capacity: usize) -> Piece {
        match self.framing() {
            Framing::WebSocket => Piece::frame(capacity),
            Framing::EventStream => Piece::event(name, cursor, capacity),
        }
    }
}

impl Label for WireFormat {
    const KEY: &'static str = "format";
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Epoch, FieldsJson, LogPosition, Partition, PersonId, Position, Seq, Tag, Timestamp,
    };

    #[test]
    fn the_list_has_each_format_once() {
        // A new format does not compile here before it has an index in the list.
        let index = |format| match format {
            WireFormat::Text => 0,
            WireFormat::Json => 1,
            WireFormat::CloudEvents => 2,
            WireFormat::Sse => 3,
        };
        let indexes = WireFormat::ALL.map(index);
        assert_eq!(indexes, [0, 1, 2, 3]);
    }

    #[test]
    fn a_change_is_written_without_growing_its_buffer() {
        let last = u64::MAX;
        let position = Position {
            epoch: Epoch::new(last),
            seq: Seq::MAX,
            tag: Tag::new(last),
        };
        let fields =
            FieldsJson::from_stored(r#"{"firstName":"A","lastName":"L","age":36,"job":""}"#)
                .unwrap();
        let time = Timestamp::from_millis(i64::MAX);
        let id = PersonId::new(uuid::Uuid::max());
        let at = LogPosition::new(Partition::new(u16::MAX), position);
        let after = Some(fields.clone());
        let (previous, before) = (Tag::new(last), Some(fields));
        let change = Change {
            at,
            previous,
            id,
            time,
            created_at: time,
            before,
            after,
            trace: None,
        };
        let cursor = Cursor::new([position]);
        for verdict in [Verdict::Update, Verdict::Delete] {
            let has_room = |format: &WireFormat| format.encoding() != Encoding::Sentences;
            for format in WireFormat::ALL.into_iter().filter(has_room) {
                let shown = Composed::of(verdict, &change).unwrap();
                let mut piece = format.open_change(&shown, Some(cursor.under(None)));
                let room = piece.buffer().capacity();
                format.write_change(&mut piece, &shown, &change, &Scope::everything());
                assert_eq!(piece.buffer().capacity(), room, "{format:?} {verdict:?}");
                let slack = room - piece.buffer().len();
                assert!(
                    slack < 64,
                    "{format:?} {verdict:?} leaves {slack} bytes unused"
                );
            }
        }
    }
}

//! The forms in which the same stream is sent.

use bytes::Bytes;

use super::close::Close;
use super::message::{Composed, Message, verdict_name};
use super::piece::Piece;
use super::{cloudevents, frame, json, page, sse, text};
use crate::domain::{Change, Cursor, Person};
use crate::filter::Verdict;
use crate::telemetry::FormatLabel;

/// The longest message of a snapshot's page, in bytes of JSON, unless one person alone is longer.
pub const PAGE_BYTES: usize = 64 * 1024;

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

impl WireFormat {
    /// Those that a WebSocket client can ask for by name.
    pub const NAMED: [Self; 2] = [Self::Json, Self::CloudEvents];

    /// The format that a WebSocket subprotocol names; names are case-sensitive (RFC 6455, section
    /// 4.1).
    pub fn named(subprotocol: &str) -> Option<Self> {
        Self::NAMED
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

    /// How its sessions are counted.
    pub const fn label(self) -> FormatLabel {
        match self {
            Self::Text => FormatLabel::Text,
            Self::Json => FormatLabel::Json,
            Self::CloudEvents => FormatLabel::CloudEvents,
            Self::Sse => FormatLabel::Sse,
        }
    }

    /// Whether a view that fell behind is sent what it missed as one batch, rather than change by
    /// change.
    pub const fn composes(self) -> bool {
        matches!(self, Self::Json | Self::Sse)
    }

    /// Whether its clients hold a cursor.
    pub const fn has_cursor(self) -> bool {
        !matches!(self, Self::Text)
    }

    /// What `change` looks like to a view that gave this verdict: a whole WebSocket text frame,
    /// header included, or a whole server-sent event; nothing where nothing is shown. `cursor` is
    /// the whole cursor after it, none before `live`; only server-sent events write it.
    pub fn change(
        self,
        verdict: Verdict,
        change: &Change,
        cursor: Option<&Cursor>,
    ) -> Option<Bytes> {
        if self == Self::Text {
            return text::sentence(verdict, change).map(|sentence| frame::text(&sentence));
        }
        let shown = Composed::of(verdict, change)?;
        let mut piece = self.open_change(&shown, cursor);
        self.write_change(&mut piece, &shown, change);
        Some(piece.finish())
    }

    /// What else the server says; nothing in text.
    pub fn message(self, message: &Message<'_>) -> Option<Bytes> {
        if self == Self::Text {
            return None;
        }
        let mut piece = self.piece(message.name(), message.resumable(), 0);
        if self == Self::CloudEvents {
            cloudevents::write_message(piece.buffer(), message);
        } else {
            json::write_message(piece.buffer(), message);
        }
        Some(piece.finish())
    }

    /// A snapshot of these people in this order. The JSON formats fill pages of at most
    /// [`PAGE_BYTES`] and send one for nobody too; text says a sentence for each person.
    pub fn pages(self, people: &[Person]) -> Vec<Bytes> {
        match self {
            Self::Text => people
                .iter()
                .map(|person| frame::text(&text::saved(person.id, &person.fields)))
                .collect(),
            Self::Json | Self::CloudEvents | Self::Sse => page::pages(self, people),
        }
    }

    /// What is sent to a quiet client, so that both sides learn whether the other is there.
    pub fn ping(self) -> Bytes {
        if self == Self::Sse {
            sse::COMMENT
        } else {
            frame::ping()
        }
    }

    /// How the server says goodbye; server-sent events just end.
    pub fn close(self, close: &Close) -> Bytes {
        if self == Self::Sse {
            Bytes::new()
        } else {
            frame::close(close)
        }
    }

    /// The beginning of a change, with all the room that it needs.
    fn open_change(self, shown: &Composed, cursor: Option<&Cursor>) -> Piece {
        let envelope = if self == Self::CloudEvents {
            cloudevents::ENVELOPE
        } else {
            0
        };
        self.piece(
            verdict_name(shown.verdict()),
            cursor,
            json::longest(shown) + envelope,
        )
    }

    fn write_change(self, piece: &mut Piece, shown: &Composed, change: &Change) {
        if self == Self::CloudEvents {
            cloudevents::write_change(piece.buffer(), shown, change);
        } else {
            json::write_change(piece.buffer(), shown, change);
        }
    }

    /// The beginning of a change or message called `name`, with room for so many bytes.
    fn piece(self, name: &str, cursor: Option<&Cursor>, capacity: usize) -> Piece {
        if self == Self::Sse {
            Piece::event(name, cursor, capacity)
        } else {
            Piece::frame(capacity)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Epoch, FieldsJson, LogPosition, Partition, PersonId, Position, Seq, Tag, Timestamp,
    };

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
            for format in [WireFormat::Json, WireFormat::CloudEvents, WireFormat::Sse] {
                let shown = Composed::of(verdict, &change).unwrap();
                let mut piece = format.open_change(&shown, Some(&cursor));
                let room = piece.buffer().capacity();
                format.write_change(&mut piece, &shown, &change);
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

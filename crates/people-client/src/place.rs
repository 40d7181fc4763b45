//! Where a client stands: what it would ask for if it had to connect again now. Pure; every event
//! passes through it.

use people_core::Cursor;

use super::event::Event;
use super::options::Start;

/// Where a client stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It asked for what happens from now on, and was told no cursor yet.
    Now,
    /// It is being shown a snapshot. Half of one is worth nothing: cut off here, it begins again.
    Snapshot,
    /// All up to this cursor was told.
    At(Cursor),
}

impl Place {
    /// Where the next connection begins.
    pub(super) fn start(&self) -> Start {
        match self {
            Self::Now => Start::Now,
            Self::Snapshot => Start::Snapshot,
            Self::At(cursor) => Start::Cursor(cursor.clone()),
        }
    }

    /// The cursor, where there is one.
    pub(super) const fn cursor(&self) -> Option<&Cursor> {
        match self {
            Self::At(cursor) => Some(cursor),
            Self::Now | Self::Snapshot => None,
        }
    }

    /// Takes an event.
    pub(super) fn pass(&mut self, event: &Event) {
        match (&mut *self, event) {
            (
                _,
                Event::Snapshot { .. } | Event::Reset { .. } | Event::Filtered { cursor: None, .. },
            ) => {
                *self = Self::Snapshot;
            }
            (
                _,
                Event::Live { cursor }
                | Event::Filtered {
                    cursor: Some(cursor),
                    ..
                },
            ) => {
                *self = Self::At(cursor.clone());
            }
            (
                Self::At(held),
                Event::Batch { cursor, .. }
                | Event::Position { cursor }
                | Event::Pong {
                    cursor: Some(cursor),
                    ..
                },
            ) => *held = cursor.clone(),
            (Self::At(held), Event::Change { at, .. }) => held.advance(*at),
            _ => {}
        }
    }
}

impl From<Start> for Place {
    fn from(start: Start) -> Self {
        match start {
            Start::Now => Self::Now,
            Start::Snapshot => Self::Snapshot,
            Start::Cursor(cursor) => Self::At(cursor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Received, read};
    use people_core::Kinds;

    /// Where a client stands that began there and was told this.
    fn after(start: Start, messages: &[&str]) -> Start {
        let mut place = Place::from(start);
        for message in messages {
            place.pass(&match read(message).expect("a message") {
                Received::Event(event) => event,
                Received::Filtered { reference, cursor } => Event::Filtered {
                    reference,
                    cursor,
                    kinds: Kinds::All,
                },
            });
        }
        place.start()
    }

    fn cursor(text: &str) -> Start {
        Start::Cursor(text.parse().expect("a cursor"))
    }

    const LIVE: &str = r#"{"type":"live","cursor":"0:a.5.1,1:b.7.2"}"#;
    const GONE: &str = concat!(
        r#"{"type":"leave","at":"1:b.8.3","#,
        r#""id":"0190f3e2-7c1b-7d9a-8f00-1234567890ab","revision":"b.8.3"}"#
    );
    const PAGE: &str = r#"{"type":"snapshot","people":[]}"#;
    const RESET: &str = r#"{"type":"reset","reason":"trimmed"}"#;
    const PONG: &str = r#"{"type":"pong","ref":"x","cursor":"0:a.9.4,1:b.9.4"}"#;

    #[test]
    fn changes_are_laid_over_the_last_cursor_that_was_told() {
        assert_eq!(after(Start::Now, &[LIVE, GONE]), cursor("0:a.5.1,1:b.8.3"));
        assert_eq!(
            after(cursor("0:a.1.1,1:b.1.1"), &[GONE]),
            cursor("0:a.1.1,1:b.8.3")
        );
        for (kind, rest) in [
            ("position", ""),
            ("batch", r#","changes":[]"#),
            ("pong", r#","ref":"x""#),
        ] {
            let message = format!(r#"{{"type":"{kind}","cursor":"0:a.6.9,1:b.8.3"{rest}}}"#);
            assert_eq!(
                after(Start::Now, &[LIVE, &message]),
                cursor("0:a.6.9,1:b.8.3"),
                "{kind}"
            );
        }
        let filtered = r#"{"type":"filtered","ref":"x","cursor":"0:a.6.9,1:b.8.3"}"#;
        assert_eq!(
            after(Start::Snapshot, &[PAGE, filtered]),
            cursor("0:a.6.9,1:b.8.3")
        );
    }

    #[test]
    fn within_a_snapshot_there_is_no_cursor_whatever_arrives() {
        for begun in [
            &[PAGE][..],
            &[LIVE, RESET],
            &[LIVE, PAGE],
            &[LIVE, r#"{"type":"filtered","ref":"x"}"#],
        ] {
            let all = [begun, &[GONE, PONG]].concat();
            assert_eq!(
                after(cursor("0:a.1.1,1:b.1.1"), &all),
                Start::Snapshot,
                "{all:?}"
            );
            assert_eq!(
                after(Start::Now, &[&all[..], &[LIVE]].concat()),
                cursor("0:a.5.1,1:b.7.2")
            );
        }
        assert_eq!(after(Start::Now, &[]), Start::Now);
    }
}

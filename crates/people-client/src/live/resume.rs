//! The point at which a client resumes after a lost connection. Pure: it follows every event.

use people_core::Cursor;
use people_core::sabotage::{Sabotage, planted};

use crate::protocol::event::LiveEvent;
use crate::subscription::StartPoint;

/// The point at which the next connection starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResumePoint {
    /// The client started from now, and has no cursor yet.
    Now,
    /// A snapshot is incomplete. A client that is cut off here requests a new one.
    Snapshot,
    /// The client has everything up to this cursor.
    Cursor(Cursor),
}

impl ResumePoint {
    /// The start of the next connection.
    pub(super) fn start(&self) -> StartPoint {
        match self {
            Self::Now => StartPoint::Now,
            Self::Snapshot => StartPoint::Snapshot,
            Self::Cursor(_) if planted(Sabotage::ResumeWithoutCursor) => StartPoint::Now,
            Self::Cursor(cursor) => StartPoint::Cursor(cursor.clone()),
        }
    }

    /// The cursor, if there is one.
    pub(super) const fn cursor(&self) -> Option<&Cursor> {
        match self {
            Self::Cursor(cursor) => Some(cursor),
            Self::Now | Self::Snapshot => None,
        }
    }

    /// Moves past an event.
    pub(super) fn pass(&mut self, event: &LiveEvent) {
        match (&mut *self, event) {
            (
                _,
                LiveEvent::Snapshot { .. }
                | LiveEvent::Reset { .. }
                | LiveEvent::Filtered { cursor: None, .. },
            ) => {
                *self = Self::Snapshot;
            }
            (
                _,
                LiveEvent::Live { cursor }
                | LiveEvent::Filtered {
                    cursor: Some(cursor),
                    ..
                },
            ) => {
                *self = Self::Cursor(cursor.clone());
            }
            (
                Self::Cursor(held),
                LiveEvent::Batch { cursor, .. }
                | LiveEvent::Position { cursor }
                | LiveEvent::Pong {
                    cursor: Some(cursor),
                    ..
                },
            ) => *held = cursor.clone(),
            (_, LiveEvent::Change { .. }) if planted(Sabotage::ChangeNotCounted) => {}
            (Self::Cursor(held), LiveEvent::Change { at, .. }) => held.advance(*at),
            _ => {}
        }
    }
}

impl From<StartPoint> for ResumePoint {
    fn from(start: StartPoint) -> Self {
        match start {
            StartPoint::Now => Self::Now,
            StartPoint::Snapshot => Self::Snapshot,
            StartPoint::Cursor(cursor) => Self::Cursor(cursor),
        }
    }
}

#[cfg(test)]
mod tests {
    use people_core::Kinds;

    use super::*;
    use crate::protocol::message::{ServerMessage, read};

    /// The resume point of a client with this start, after these messages.
    fn after(start: StartPoint, messages: &[&str]) -> StartPoint {
        let mut point = ResumePoint::from(start);
        for message in messages {
            point.pass(&match read(message).expect("a message") {
                ServerMessage::Event(event) => event,
                ServerMessage::Filtered { reference, cursor } => LiveEvent::Filtered {
                    reference,
                    cursor,
                    kinds: Kinds::All,
                },
            });
        }
        point.start()
    }

    fn cursor(text: &str) -> StartPoint {
        StartPoint::Cursor(text.parse().expect("a cursor"))
    }

    const LIVE: &str = r#"{"type":"live","cursor":"0:a.5.1,1:b.7.2"}"#;
    const LEAVE: &str = concat!(
        r#"{"type":"leave","at":"1:b.8.3","#,
        r#""id":"0190f3e2-7c1b-7d9a-8f00-1234567890ab","revision":"b.8.3"}"#
    );
    const PAGE: &str = r#"{"type":"snapshot","people":[]}"#;
    const RESET: &str = r#"{"type":"reset","reason":"trimmed"}"#;
    const PONG: &str = r#"{"type":"pong","ref":"x","cursor":"0:a.9.4,1:b.9.4"}"#;

    #[test]
    fn a_change_advances_its_partition_of_the_last_cursor() {
        assert_eq!(
            after(StartPoint::Now, &[LIVE, LEAVE]),
            cursor("0:a.5.1,1:b.8.3")
        );
        assert_eq!(
            after(cursor("0:a.1.1,1:b.1.1"), &[LEAVE]),
            cursor("0:a.1.1,1:b.8.3")
        );
        for (kind, rest) in [
            ("position", ""),
            ("batch", r#","changes":[]"#),
            ("pong", r#","ref":"x""#),
        ] {
            let message = format!(r#"{{"type":"{kind}","cursor":"0:a.6.9,1:b.8.3"{rest}}}"#);
            assert_eq!(
                after(StartPoint::Now, &[LIVE, &message]),
                cursor("0:a.6.9,1:b.8.3"),
                "{kind}"
            );
        }
        let filtered = r#"{"type":"filtered","ref":"x","cursor":"0:a.6.9,1:b.8.3"}"#;
        assert_eq!(
            after(StartPoint::Snapshot, &[PAGE, filtered]),
            cursor("0:a.6.9,1:b.8.3")
        );
    }

    #[test]
    fn an_incomplete_snapshot_has_no_cursor_after_any_message() {
        for begun in [
            &[PAGE][..],
            &[LIVE, RESET],
            &[LIVE, PAGE],
            &[LIVE, r#"{"type":"filtered","ref":"x"}"#],
        ] {
            let all = [begun, &[LEAVE, PONG]].concat();
            assert_eq!(
                after(cursor("0:a.1.1,1:b.1.1"), &all),
                StartPoint::Snapshot,
                "{all:?}"
            );
            assert_eq!(
                after(StartPoint::Now, &[&all[..], &[LIVE]].concat()),
                cursor("0:a.5.1,1:b.7.2")
            );
        }
        assert_eq!(after(StartPoint::Now, &[]), StartPoint::Now);
    }
}

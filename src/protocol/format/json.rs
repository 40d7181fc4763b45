//! The members of people.v1.json's messages. Text that is known to be safe (positions, ids, a
//! person's JSON) is appended as it is; all other text is escaped.

use std::fmt::{Display, Write as _};

use crate::domain::{Change, PersonId};
use crate::protocol::message::{Composed, Message};
use crate::rights::Scope;

/// Bytes of a change's message that are not the person's fields, at most: type, at, and the
/// person's id, revision and times.
const AROUND_FIELDS: usize = 330;
/// Bytes of a change's message about a person who is gone, at most: type, at, id and revision.
const GONE: usize = 220;

/// How long a message about `shown` can be: a buffer with so much room does not grow.
pub(super) fn longest(shown: &Composed) -> usize {
    match shown {
        Composed::Shown(_, person) => AROUND_FIELDS + person.fields.as_str().len(),
        Composed::Gone(..) => GONE,
    }
}

/// Appends a whole change: `{"type":…,"at":…,…}`.
pub(super) fn write_change(out: &mut String, shown: &Composed, change: &Change, scope: &Scope) {
    open(out, shown.verdict().name());
    member(out, "at");
    quoted(out, change.at);
    write_shown(out, shown, scope);
    out.push('}');
}

/// Appends a whole message that is no change: `{"type":…,…}`.
pub(super) fn write_message(out: &mut String, message: &Message<'_>, scope: &Scope) {
    open(out, message.name());
    write_members(out, message, scope);
    out.push('}');
}

/// Appends the message's members after its type, each with a comma before it unless an object just
/// opened.
pub(super) fn write_members(out: &mut String, message: &Message<'_>, scope: &Scope) {
    let (reference, cursor) = match message {
        Message::Live(cursor) | Message::Position(cursor) | Message::Batch { cursor, .. } => {
            (None, Some(*cursor))
        }
        Message::Filtered { reference, cursor } | Message::Pong { reference, cursor } => {
            (*reference, *cursor)
        }
        Message::Error { reference, .. } | Message::Token { reference, .. } => (*reference, None),
        Message::Reset(_) | Message::Stale { .. } | Message::Fresh | Message::Expiring { .. } => {
            (None, None)
        }
    };
    if let Some(reference) = reference {
        member(out, "ref");
        escaped(out, reference);
    }
    if let Some(cursor) = cursor {
        member(out, "cursor");
        quoted(out, cursor.under(scope.fingerprint()));
    }
    match message {
        Message::Batch { changes, .. } => {
            member(out, "changes");
            write_changes(out, changes, scope);
        }
        Message::Reset(reason) => {
            member(out, "reason");
            escaped(out, reason);
        }
        Message::Stale { seconds }
        | Message::Expiring { seconds }
        | Message::Token { seconds, .. } => {
            member(out, "seconds");
            write!(out, "{seconds}").expect("a String takes all that is written to it");
        }
        Message::Error { problem, .. } => {
            member(out, "problem");
            write!(out, "{}", problem.to_json(None))
                .expect("a String takes all that is written to it");
        }
        Message::Live(_)
        | Message::Position(_)
        | Message::Fresh
        | Message::Filtered { .. }
        | Message::Pong { .. } => {}
    }
}

/// Appends a person who is gone: `"id":…,"revision":…`, with a comma before it unless an object
/// just opened.
pub(super) fn write_gone(out: &mut String, id: PersonId, revision: impl Display) {
    member(out, "id");
    quoted(out, id);
    member(out, "revision");
    quoted(out, revision);
}

/// Appends a member's name and its colon, with a comma before it unless an object just opened.
pub(super) fn member(out: &mut String, name: &'static str) {
    out.push_str(if out.ends_with('{') { "\"" } else { ",\"" });
    out.push_str(name);
    out.push_str("\":");
}

/// Appends a text that holds nothing to escape, in quotes.
pub(super) fn quoted(out: &mut String, safe: impl Display) {
    write!(out, "\"{safe}\"").expect("a String takes all that is written to it");
}

fn open(out: &mut String, kind: &str) {
    out.push_str("{\"type\":\"");
    out.push_str(kind);
    out.push('"');
}

fn write_shown(out: &mut String, shown: &Composed, scope: &Scope) {
    match shown {
        Composed::Shown(_, person) => {
            member(out, "person");
            scope.write_json(person, out);
        }
        Composed::Gone(_, id, revision) => write_gone(out, *id, revision),
    }
}

fn write_changes(out: &mut String, changes: &[Composed], scope: &Scope) {
    out.push('[');
    for (index, shown) in changes.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        open(out, shown.verdict().name());
        write_shown(out, shown, scope);
        out.push('}');
    }
    out.push(']');
}

fn escaped(out: &mut String, text: &str) {
    out.push_str(&serde_json::to_string(text).expect("a string always serializes"));
}

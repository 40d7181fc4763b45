//! `CloudEvents` 1.0.2 in the JSON format: the envelope around people.v1.json's messages. Its
//! WebSocket binding sends one event a text message.

use super::json::{member, quoted, write_gone, write_members};
use crate::domain::Change;
use crate::protocol::message::{Composed, Message};
use crate::rights::Scope;
use crate::telemetry::clock::fresh_uuid;

/// How much longer than people.v1.json's message about it an event is, at most.
pub(super) const ENVELOPE: usize = 160;

/// Appends a change: its `id` is its position in the log, which identifies a repeated event.
pub(super) fn write_change(out: &mut String, shown: &Composed, change: &Change, scope: &Scope) {
    open(out, change.at, shown.verdict().name());
    member(out, "subject");
    quoted(out, change.id);
    member(out, "time");
    quoted(out, change.time);
    data(out);
    match shown {
        Composed::Shown(_, person) => scope.write_json(person, out),
        Composed::Gone(_, id, revision) => {
            out.push('{');
            write_gone(out, *id, revision);
            out.push('}');
        }
    }
    out.push('}');
}

/// Appends a message that is no change; its `data` is the message without its type.
pub(super) fn write_message(out: &mut String, message: &Message<'_>, scope: &Scope) {
    open(out, fresh_uuid(), message.name());
    data(out);
    out.push('{');
    write_members(out, message, scope);
    out.push_str("}}");
}

/// Appends a snapshot's page up to its first person.
pub(super) fn open_page(out: &mut String) {
    open(out, fresh_uuid(), "snapshot");
    data(out);
    out.push_str("{\"people\":[");
}

/// What ends a snapshot's page.
pub(super) const PAGE_END: &str = "]}}";

fn open(out: &mut String, id: impl std::fmt::Display, kind: &str) {
    out.push_str("{\"specversion\":\"1.0\"");
    member(out, "id");
    quoted(out, id);
    out.push_str(",\"source\":\"/people\",\"type\":\"people.");
    out.push_str(kind);
    out.push('"');
}

fn data(out: &mut String) {
    out.push_str(",\"datacontenttype\":\"application/json\",\"data\":");
}

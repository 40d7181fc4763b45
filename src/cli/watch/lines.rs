//! Events as lines to read. Colours are always in them; who writes them takes them out again where they don't belong.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value};

use crate::client::{Change, Event, ResetReason, Start};

const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const MAGENTA: Style = AnsiColor::Magenta.on_default();
const RED: Style = AnsiColor::Red.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// What a reader wants to know of a server's message: whole lines, none for bookkeeping.
pub(super) fn lines(event: &Event) -> String {
    match event {
        Event::Snapshot { people } => {
            people.iter().map(|record| person(DIM, "=", "is", &record.object)).collect::<String>()
        }
        Event::Change { change, .. } => line(change),
        Event::Batch { changes, .. } => changes.iter().map(line).collect(),
        Event::Live { cursor } => dim(&format!("live at {cursor}")) + "\n",
        Event::Reset { reason } => {
            let reason = match reason {
                ResetReason::Trimmed => "the log no longer reaches back to it",
                ResetReason::Forked => "the store lost changes that were shown",
                ResetReason::Epoch => "the store's history began anew",
                ResetReason::Other => "the gateway cannot go on from it",
            };
            format!("{WARNING}reset: what was shown no longer counts ({reason}){WARNING:#}\n")
        }
        Event::Stale { seconds } => {
            format!("{WARNING}stale: for {seconds} s nobody could say whether all of it came through{WARNING:#}\n")
        }
        Event::Fresh => format!("{GREEN}fresh: all of it came through{GREEN:#}\n"),
        Event::Error { problem, .. } => format!("{RED}refused: {}{RED:#}\n", visible(&problem.detail)),
        Event::Filtered { .. } => dim("the new filter holds") + "\n",
        Event::Position { .. }
        | Event::Pong { .. }
        | Event::Unknown
        | Event::Connected { .. }
        | Event::Disconnected { .. } => String::new(),
    }
}

/// What became of the connection, if that is what the event is about.
pub(super) fn note(event: &Event) -> Option<String> {
    match event {
        Event::Connected { from: Start::Now } => Some(dim("connected, from now on")),
        Event::Connected { from: Start::Snapshot } => Some(dim("connected, with a snapshot")),
        Event::Connected { from: Start::Cursor(cursor) } => Some(dim(&format!("connected, from {cursor}"))),
        Event::Disconnected { why, retry: Some(wait) } => {
            let why = visible(&why.to_string());
            Some(format!("{WARNING}{why}; trying again in {:.1} s{WARNING:#}", wait.as_secs_f64()))
        }
        Event::Disconnected { retry: None, .. } => Some(dim("disconnected")),
        _ => None,
    }
}

/// Text that steps back.
pub(super) fn dim(text: &str) -> String {
    format!("{DIM}{text}{DIM:#}")
}

fn line(change: &Change) -> String {
    let gone = |style: Style, sign: &str, verb: &str| format!("{style}{sign} {verb:<6}{style:#} {}\n", change.id());
    match change {
        Change::Create(record) => person(GREEN, "+", "create", &record.object),
        Change::Enter(record) => person(CYAN, ">", "enter", &record.object),
        Change::Update(record) => person(YELLOW, "~", "update", &record.object),
        Change::Leave(_) => gone(MAGENTA, "<", "leave"),
        Change::Delete(_) => gone(RED, "-", "delete"),
    }
}

fn person(style: Style, sign: &str, verb: &str, object: &Map<String, Value>) -> String {
    let text = |name| visible(object.get(name).and_then(Value::as_str).unwrap_or_default());
    let mut line =
        format!("{style}{sign} {verb:<6}{style:#} {}  {} {}", text("id"), text("firstName"), text("lastName"));
    let age = object.get("age").map(Value::to_string).unwrap_or_default();
    write!(line, ", {age}, {}", text("job")).expect("a String takes all that is written to it");
    if let Some(attributes) = object.get("attributes") {
        line.push_str("  ");
        line.push_str(&dim(&visible(&attributes.to_string())));
    }
    line.push('\n');
    line
}

/// Users name people, not us: their characters must not steer the terminal.
fn visible(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if steers(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_cannot_steer_the_terminal() {
        let object = json!({
            "id": "0190f3e2-7c1b-7d9a-8f00-1234567890ab", "firstName": "A\u{1b}[2Jda", "lastName": "L\n\u{9b}1\u{202e}",
            "age": 36, "job": "é", "attributes": {"a": "\u{7f}"},
        });
        let line = person(Style::new(), "+", "create", object.as_object().unwrap());
        let line = anstream::adapter::strip_str(&line).to_string();
        let shown = "+ create 0190f3e2-7c1b-7d9a-8f00-1234567890ab  A\\u{1b}[2Jda L\\u{a}\\u{9b}1\\u{202e}, 36, é  \
                     {\"a\":\"\\u{7f}\"}\n";
        assert_eq!(line, shown);
    }
}

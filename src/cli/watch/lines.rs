//! Events as lines to read. Colours are always in them; who writes them takes them out again where
//! they don't belong.

use anstyle::{AnsiColor, Style};
use people_client::{Change, Event, ResetReason, Start};
use serde_json::{Map, Value};

use crate::cli::shown::{self, DIM, visible};

const GREEN: Style = AnsiColor::Green.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const MAGENTA: Style = AnsiColor::Magenta.on_default();
const RED: Style = AnsiColor::Red.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// What a reader wants to know of a server's message: whole lines, none for bookkeeping.
pub(super) fn lines(event: &Event) -> String {
    match event {
        Event::Snapshot { people } => people
            .iter()
            .map(|record| person(DIM, "=", "is", &record.object))
            .collect::<String>(),
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
            format!(
                "{WARNING}stale: for {seconds} s nobody could say whether all of it came \
                 through{WARNING:#}\n"
            )
        }
        Event::Fresh => format!("{GREEN}fresh: all of it came through{GREEN:#}\n"),
        Event::Error { problem, .. } => {
            format!("{RED}refused: {}{RED:#}\n", visible(&problem.detail))
        }
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
        Event::Connected {
            from: Start::Snapshot,
        } => Some(dim("connected, with a snapshot")),
        Event::Connected {
            from: Start::Cursor(cursor),
        } => Some(dim(&format!("connected, from {cursor}"))),
        Event::Disconnected {
            why,
            retry: Some(wait),
        } => {
            let why = why.to_string();
            let why = visible(&why);
            Some(format!(
                "{WARNING}{why}; trying again in {:.1} s{WARNING:#}",
                wait.as_secs_f64()
            ))
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
    let gone = |style: Style, sign: &str, verb: &str| {
        format!("{style}{sign} {verb:<6}{style:#} {}\n", change.id())
    };
    match change {
        Change::Create(record) => person(GREEN, "+", "create", &record.object),
        Change::Enter(record) => person(CYAN, ">", "enter", &record.object),
        Change::Update(record) => person(YELLOW, "~", "update", &record.object),
        Change::Leave(_) => gone(MAGENTA, "<", "leave"),
        Change::Delete(_) => gone(RED, "-", "delete"),
    }
}

fn person(style: Style, sign: &str, verb: &str, object: &Map<String, Value>) -> String {
    format!("{style}{sign} {verb:<6}{style:#} {}\n", shown::line(object))
}

//! Events as readable lines. They always have colours; the output removes them if necessary.

use anstyle::{AnsiColor, Style};
use people_client::{LiveEvent, ResetReason, StartPoint, ViewChange};
use serde_json::{Map, Value};

use crate::cli::terminal::{DIM, person_line, visible};

const GREEN: Style = AnsiColor::Green.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const MAGENTA: Style = AnsiColor::Magenta.on_default();
const RED: Style = AnsiColor::Red.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// A server's message as complete lines; empty for messages that readers don't need.
pub(super) fn event_lines(event: &LiveEvent) -> String {
    match event {
        LiveEvent::Snapshot { people } => people
            .iter()
            .map(|record| person(DIM, "=", "is", &record.object))
            .collect::<String>(),
        LiveEvent::Change { change, .. } => change_line(change),
        LiveEvent::Batch { changes, .. } => changes.iter().map(change_line).collect(),
        LiveEvent::Live { cursor } => dim(&format!("live at {cursor}")) + "\n",
        LiveEvent::Reset { reason } => {
            let reason = reset_reason(*reason);
            format!("{WARNING}reset: all people above are outdated ({reason}){WARNING:#}\n")
        }
        LiveEvent::Stale { seconds } => {
            format!(
                "{WARNING}stale: for {seconds} s the gateway could not prove that no change is \
                 missing{WARNING:#}\n"
            )
        }
        LiveEvent::Fresh => format!("{GREEN}fresh: no change is missing{GREEN:#}\n"),
        LiveEvent::Error { problem, .. } => {
            format!("{RED}refused: {}{RED:#}\n", visible(&problem.words()))
        }
        LiveEvent::Filtered { .. } => dim("the new filter applies") + "\n",
        LiveEvent::Position { .. }
        | LiveEvent::Pong { .. }
        | LiveEvent::Unknown
        | LiveEvent::Connected { .. }
        | LiveEvent::Disconnected { .. } => String::new(),
    }
}

/// The line about an event of the connection; `None` for other events.
pub(super) fn connection_line(event: &LiveEvent) -> Option<String> {
    match event {
        LiveEvent::Connected {
            from: StartPoint::Now,
        } => Some(dim("connected, from now on")),
        LiveEvent::Connected {
            from: StartPoint::Snapshot,
        } => Some(dim("connected, with a snapshot")),
        LiveEvent::Connected {
            from: StartPoint::Cursor(cursor),
        } => Some(dim(&format!("connected, from {cursor}"))),
        LiveEvent::Disconnected {
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
        LiveEvent::Disconnected { retry: None, .. } => Some(dim("disconnected")),
        _ => None,
    }
}

/// Why the server cannot continue from a cursor, in words.
pub(super) const fn reset_reason(reason: ResetReason) -> &'static str {
    match reason {
        ResetReason::Trimmed => "the log no longer has the changes after the cursor",
        ResetReason::Forked => "the store lost changes that you have seen",
        ResetReason::Epoch => "the store lost its history",
        ResetReason::Rights => "your rights have changed",
        ResetReason::Other => "the gateway cannot continue from the cursor",
    }
}

/// A dimmed text.
pub(super) fn dim(text: &str) -> String {
    format!("{DIM}{text}{DIM:#}")
}

fn change_line(change: &ViewChange) -> String {
    let removal = |style: Style, sign: &str, verb: &str| {
        format!("{style}{sign} {verb:<6}{style:#} {}\n", change.id())
    };
    match change {
        ViewChange::Create(record) => person(GREEN, "+", "create", &record.object),
        ViewChange::Enter(record) => person(CYAN, ">", "enter", &record.object),
        ViewChange::Update(record) => person(YELLOW, "~", "update", &record.object),
        ViewChange::Leave(_) => removal(MAGENTA, "<", "leave"),
        ViewChange::Delete(_) => removal(RED, "-", "delete"),
    }
}

fn person(style: Style, sign: &str, verb: &str, object: &Map<String, Value>) -> String {
    format!("{style}{sign} {verb:<6}{style:#} {}\n", person_line(object))
}

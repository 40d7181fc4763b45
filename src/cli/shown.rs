//! People as they are shown: JSON for programs, lines to read for a terminal.

mod visible;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use anstyle::Style;
use clap::Args;
use serde_json::{Map, Value};

use visible::visible_json;
pub(super) use visible::{is_unseen, visible, visible_lines};

/// Text that steps back.
pub(super) const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

#[derive(Args, Debug)]
pub(super) struct FormFlags {
    /// Lines of JSON, also in a terminal
    #[arg(long, conflicts_with = "plain")]
    json: bool,
    /// Lines to read, also in a pipe
    #[arg(long)]
    plain: bool,
}

/// How people are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As the server sent them, a line each.
    Json,
    /// As lines to read.
    Plain,
}

impl FormFlags {
    /// What was chosen; else lines to read for a terminal, JSON for anything else.
    pub(super) fn form(&self) -> Form {
        match (self.json, self.plain) {
            (false, true) => Form::Plain,
            (false, false) if io::stdout().is_terminal() => Form::Plain,
            _ => Form::Json,
        }
    }
}

/// Writes one person to standard output.
pub(super) fn write_person(form: Form, json: &str) -> io::Result<()> {
    match (form, serde_json::from_str::<Map<String, Value>>(json)) {
        (Form::Plain, Ok(object)) => anstream::stdout().write_all(card(&object).as_bytes()),
        (Form::Json, _) | (Form::Plain, Err(_)) => {
            writeln!(io::stdout(), "{}", for_stdout(json.trim_end()))
        }
    }
}

/// JSON as standard output should have it: exactly as it is, unless that is a terminal.
pub(super) fn for_stdout(json: &str) -> Cow<'_, str> {
    if io::stdout().is_terminal() {
        visible_json(json)
    } else {
        json.into()
    }
}

/// A person in one line: id, name, age, job, attributes.
pub(super) fn line(object: &Map<String, Value>) -> String {
    let mut line = format!("{}  {}", text(object, "id"), summary(object));
    if let Some(attributes) = object.get("attributes") {
        let attributes = attributes.to_string();
        write!(line, "  {DIM}{}{DIM:#}", visible(&attributes))
            .expect("a String takes all that is written to it");
    }
    line
}

/// A person in a few lines: all that there is to know.
fn card(object: &Map<String, Value>) -> String {
    let mut card = format!("{BOLD}{}{BOLD:#}\n", summary(object));
    for (name, value) in object {
        let shown = match (name.as_str(), value) {
            ("firstName" | "lastName" | "age" | "job", _) => continue,
            (_, Value::String(text)) => visible(text).into_owned(),
            (_, value) => visible(&value.to_string()).into_owned(),
        };
        writeln!(card, "  {DIM}{:<11}{DIM:#} {shown}", visible(name))
            .expect("a String takes all that is written to it");
    }
    card
}

fn summary(object: &Map<String, Value>) -> String {
    let age = object.get("age").map(Value::to_string).unwrap_or_default();
    format!(
        "{} {}, {age}, {}",
        text(object, "firstName"),
        text(object, "lastName"),
        text(object, "job")
    )
}

/// A member that is a text, fit to be shown.
pub(super) fn text(object: &Map<String, Value>, name: &str) -> String {
    visible(object.get(name).and_then(Value::as_str).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_cannot_steer_the_terminal() {
        let object = json!({
            "id": "0190f3e2-7c1b-7d9a-8f00-1234567890ab",
            "firstName": "A\u{1b}[2Jda", "lastName": "L\n\u{9b}1\u{202e}",
            "age": 36, "job": "é", "attributes": {"a": "\u{7f}"}, "x\u{7}": "\u{1b}",
        });
        let shown = |text: String| anstream::adapter::strip_str(&text).to_string();
        let object = object.as_object().unwrap();
        assert_eq!(
            shown(line(object)),
            "0190f3e2-7c1b-7d9a-8f00-1234567890ab  A\\u{1b}[2Jda L\\u{a}\\u{9b}1\\u{202e}, 36, é  \
             {\"a\":\"\\u{7f}\"}"
        );
        assert!(!shown(card(object)).contains(|c: char| c.is_control() && c != '\n'));
    }
}

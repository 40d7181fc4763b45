//! Output: people as JSON for programs or as lines for readers, safe for terminals.

mod output;
mod visible;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use anstyle::Style;
use clap::Args;
use serde_json::{Map, Value};

pub(super) use output::{ClosedOutput, check_output, note, note_coloured, print_text};
use visible::visible_json;
pub(super) use visible::{is_unseen, visible, visible_lines};

/// The style of less important text.
pub(super) const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

#[derive(Args, Debug)]
pub(super) struct OutputFlags {
    /// Lines of JSON, also in a terminal
    #[arg(long, conflicts_with = "plain")]
    json: bool,
    /// Readable lines, also in a pipe
    #[arg(long)]
    plain: bool,
}

/// The form of people in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputForm {
    /// JSON as the server sent it, one line each.
    Json,
    /// Readable lines.
    Plain,
}

impl OutputFlags {
    /// The chosen form; by default readable lines in a terminal, and JSON elsewhere.
    pub(super) fn form(&self) -> OutputForm {
        match (self.json, self.plain) {
            (false, true) => OutputForm::Plain,
            (false, false) if io::stdout().is_terminal() => OutputForm::Plain,
            _ => OutputForm::Json,
        }
    }
}

/// Writes one person to standard output; nothing for a caller that may not read people, who gets
/// answers without a body.
pub(super) fn write_person(form: OutputForm, json: &str) -> io::Result<()> {
    if json.is_empty() {
        return Ok(());
    }
    match (form, serde_json::from_str::<Map<String, Value>>(json)) {
        (OutputForm::Plain, Ok(object)) => {
            anstream::stdout().write_all(person_card(&object).as_bytes())
        }
        (OutputForm::Json, _) | (OutputForm::Plain, Err(_)) => {
            writeln!(io::stdout(), "{}", for_stdout(json.trim_end()))
        }
    }
}

/// JSON for standard output: unchanged, or made visible for a terminal.
pub(super) fn for_stdout(json: &str) -> Cow<'_, str> {
    if io::stdout().is_terminal() {
        visible_json(json)
    } else {
        json.into()
    }
}

/// A person in one line: id, name, age, job, attributes, as far as the caller's role shows them.
pub(super) fn person_line(object: &Map<String, Value>) -> String {
    let mut line = text_member(object, "id");
    if let Some(summary) = summary(object) {
        write!(line, "  {summary}").expect("a String takes all that is written to it");
    }
    if let Some(attributes) = object.get("attributes") {
        let attributes = attributes.to_string();
        write!(line, "  {DIM}{}{DIM:#}", visible(&attributes))
            .expect("a String takes all that is written to it");
    }
    line
}

/// All members of a person, in several lines.
fn person_card(object: &Map<String, Value>) -> String {
    let mut card = String::new();
    if let Some(summary) = summary(object) {
        writeln!(card, "{BOLD}{summary}{BOLD:#}")
            .expect("a String takes all that is written to it");
    }
    for (name, value) in object {
        let value = match (name.as_str(), value) {
            ("firstName" | "lastName" | "age" | "job", _) => continue,
            (_, Value::String(text)) => visible(text).into_owned(),
            (_, value) => visible(&value.to_string()).into_owned(),
        };
        writeln!(card, "  {DIM}{:<11}{DIM:#} {value}", visible(name))
            .expect("a String takes all that is written to it");
    }
    card
}

/// Name, age and job, as far as they are there.
fn summary(object: &Map<String, Value>) -> Option<String> {
    let job = object
        .contains_key("job")
        .then(|| text_member(object, "job"));
    let age = object.get("age").map(Value::to_string);
    let present: Vec<String> = [name(object), age, job].into_iter().flatten().collect();
    (!present.is_empty()).then(|| present.join(", "))
}

/// First and last name, made visible, as far as they are there.
pub(super) fn name(object: &Map<String, Value>) -> Option<String> {
    let names = ["firstName", "lastName"].into_iter();
    let present: Vec<String> = names
        .filter(|name| object.contains_key(*name))
        .map(|name| text_member(object, name))
        .collect();
    (!present.is_empty()).then(|| present.join(" "))
}

/// A text member, made visible.
pub(super) fn text_member(object: &Map<String, Value>, name: &str) -> String {
    visible(object.get(name).and_then(Value::as_str).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hidden_fields_are_left_out() {
        let shown = |text: String| anstream::adapter::strip_str(&text).to_string();
        let whole = json!({
            "id": "i", "firstName": "Ada", "lastName": "L", "age": 0, "job": "", "revision": "r",
            "attributes": {"a": 1},
        });
        for (hidden, line, card) in [
            (&[][..], "i  Ada L, 0,   {\"a\":1}", "Ada L, 0, "),
            (&["firstName", "job"], "i  L, 0  {\"a\":1}", "L, 0"),
            (&["lastName", "age", "attributes"], "i  Ada, ", "Ada, "),
            (&["firstName", "lastName", "age"], "i    {\"a\":1}", ""),
            (
                &["firstName", "lastName", "age", "job"],
                "i  {\"a\":1}",
                "  id          i",
            ),
        ] {
            let mut person = whole.as_object().unwrap().clone();
            person.retain(|name, _| !hidden.contains(&name.as_str()));
            assert_eq!(shown(person_line(&person)), line, "{hidden:?}");
            let shown = shown(person_card(&person));
            assert_eq!(shown.lines().next(), Some(card), "{hidden:?}");
            assert!(shown.contains("  revision    r\n"), "{shown}");
        }
    }

    #[test]
    fn names_cannot_control_the_terminal() {
        let object = json!({
            "id": "0190f3e2-7c1b-7d9a-8f00-1234567890ab",
            "firstName": "A\u{1b}[2Jda", "lastName": "L\n\u{9b}1\u{202e}",
            "age": 36, "job": "é", "attributes": {"a": "\u{7f}"}, "x\u{7}": "\u{1b}",
        });
        let shown = |text: String| anstream::adapter::strip_str(&text).to_string();
        let object = object.as_object().unwrap();
        assert_eq!(
            shown(person_line(object)),
            "0190f3e2-7c1b-7d9a-8f00-1234567890ab  A\\u{1b}[2Jda L\\u{a}\\u{9b}1\\u{202e}, 36, é  \
             {\"a\":\"\\u{7f}\"}"
        );
        assert!(!shown(person_card(object)).contains(|c: char| c.is_control() && c != '\n'));
    }
}

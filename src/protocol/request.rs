//! What clients say in the JSON dresses: strict, because a mistyped member must not show everyone.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::problem::{Problem, ProblemKind};
use crate::filter::Kinds;

/// The longest `ref`, in code points.
pub const MAX_REFERENCE: usize = 64;

/// A message from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Replaces the filter whole.
    Filter {
        /// Which changes to show.
        kinds: Kinds,
        /// The filter as written, not read yet; empty for everyone.
        filter_text: String,
        /// Where the new view begins.
        from: FilterFrom,
        /// The client's own name for the request.
        reference: Option<String>,
    },
    /// Asks for a pong.
    Ping {
        /// The client's own name for the request.
        reference: Option<String>,
    },
    /// Asks to be closed.
    Stop,
}

/// Where a new filter's view begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FilterFrom {
    /// With what happens from here on.
    #[default]
    Now,
    /// With everyone who matches.
    Snapshot,
}

/// A message that is refused; nothing changed.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The client's own name for it, where that could be read.
    pub reference: Option<String>,
    /// What to send instead.
    pub problem: Problem,
}

impl Request {
    /// Reads a message. Any text that is not one is refused: unknown types and members, members of a wrong type or given
    /// twice, a `ref` of more than [`MAX_REFERENCE`] code points.
    pub fn read(text: &str) -> Result<Self, Refused> {
        let mut members = Members::parse(text)?;
        let reference = members.reference();
        members.request().map_err(|detail| Refused {
            reference: reference.ok().flatten(),
            problem: Problem::new(ProblemKind::Malformed, detail),
        })
    }
}

/// An object's members in the order in which they were sent, a name as often as it was sent.
struct Members(Vec<(String, Value)>);

impl Members {
    fn parse(text: &str) -> Result<Self, Refused> {
        serde_json::from_str(text).map_err(|error| {
            let detail = format!(
                "A message is one JSON object such as {{\"type\":\"ping\"}}; this could not be read: {}",
                without_place(&error)
            );
            let problem = Problem::new(ProblemKind::Malformed, detail);
            Refused { reference: None, problem: problem.with("line", error.line()).with("column", error.column()) }
        })
    }

    fn request(&mut self) -> Result<Request, String> {
        if let Some(twice) = self.twice() {
            return Err(format!("The member {twice} is given twice; send it once."));
        }
        let kind = self.text("type")?;
        let request = match kind.as_deref() {
            Some("filter") => Request::Filter {
                kinds: self.kinds()?,
                filter_text: self.text("where")?.unwrap_or_default(),
                from: self.from()?,
                reference: self.take_reference()?,
            },
            Some("ping") => Request::Ping { reference: self.take_reference()? },
            Some("stop") => Request::Stop,
            Some(other) => {
                return Err(format!("There is no message of type {}; send filter, ping or stop.", shortened(other)));
            }
            None => return Err("A message needs a type; send filter, ping or stop.".to_owned()),
        };
        match self.0.first() {
            None => Ok(request),
            Some((name, _)) => Err(format!("There is no member {} here; {}.", shortened(name), request.members())),
        }
    }

    /// The `ref`, left in place: what can be read of a message that is refused for something else.
    fn reference(&self) -> Result<Option<String>, String> {
        let mut references = self.0.iter().filter(|(name, _)| name == "ref");
        match (references.next(), references.next()) {
            (None, _) => Ok(None),
            (Some((_, Value::String(text))), None) if text.chars().count() <= MAX_REFERENCE => Ok(Some(text.clone())),
            _ => Err(format!("ref is a string of at most {MAX_REFERENCE} characters; send a shorter one, or none.")),
        }
    }

    fn take_reference(&mut self) -> Result<Option<String>, String> {
        let reference = self.reference()?;
        self.0.retain(|(name, _)| name != "ref");
        Ok(reference)
    }

    fn kinds(&mut self) -> Result<Kinds, String> {
        match self.text("kinds")? {
            None => Ok(Kinds::default()),
            Some(text) => text
                .parse()
                .map_err(|_| "kinds is all, saves or deletes; send one of them, or none for all.".to_owned()),
        }
    }

    fn from(&mut self) -> Result<FilterFrom, String> {
        match self.text("from")?.as_deref() {
            None | Some("now") => Ok(FilterFrom::Now),
            Some("snapshot") => Ok(FilterFrom::Snapshot),
            Some(_) => Err("from is now or snapshot here; to resume with a cursor, connect with it.".to_owned()),
        }
    }

    /// Takes a member that is a string.
    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        let Some(index) = self.0.iter().position(|(member, _)| member == name) else { return Ok(None) };
        match self.0.remove(index).1 {
            Value::String(text) => Ok(Some(text)),
            _ => Err(format!("{name} is a string; send it in quotes, or leave it out.")),
        }
    }

    /// A name that was sent more than once.
    fn twice(&self) -> Option<String> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| shortened(pair[0]))
    }
}

impl Request {
    /// Which members it takes, in words.
    const fn members(&self) -> &'static str {
        match self {
            Self::Filter { .. } => "filter takes kinds, where, from and ref",
            Self::Ping { .. } => "ping takes ref",
            Self::Stop => "stop takes no other member",
        }
    }
}

/// The client's own word, quoted, so that a refusal stays short whatever was sent.
fn shortened(word: &str) -> String {
    format!("{:?}", word.chars().take(40).collect::<String>())
}

/// What is wrong, without the line and column that stand beside it.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).chars().take(200).collect()
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn filter(kinds: Kinds, filter_text: &str, from: FilterFrom, reference: Option<&str>) -> Request {
        let reference = reference.map(str::to_owned);
        Request::Filter { kinds, filter_text: filter_text.to_owned(), from, reference }
    }

    /// What a refusal says, and the `ref` that it echoes.
    fn refused(text: &str) -> (String, Option<String>) {
        let refused = Request::read(text).unwrap_err();
        assert_eq!(refused.problem.kind(), ProblemKind::Malformed);
        let detail = refused.problem.to_json(None)["detail"].as_str().unwrap().to_owned();
        (detail, refused.reference)
    }

    #[test]
    fn what_a_filter_leaves_out_is_all_everyone_and_now() {
        let all = filter(Kinds::All, "", FilterFrom::Now, None);
        assert_eq!(Request::read(r#"{"type":"filter"}"#).unwrap(), all);
        let text = r#" {"ref":"f1","from":"snapshot","where":"age > 3","kinds":"deletes","type":"filter"} "#;
        let chosen = filter(Kinds::Deletes, "age > 3", FilterFrom::Snapshot, Some("f1"));
        assert_eq!(Request::read(text).unwrap(), chosen);
    }

    #[test]
    fn ping_and_stop_are_read() {
        let reference = |text: &str| Some(text.to_owned());
        assert_eq!(Request::read(r#"{"type":"ping"}"#).unwrap(), Request::Ping { reference: None });
        assert_eq!(Request::read(r#"{"type":"ping","ref":""}"#).unwrap(), Request::Ping { reference: reference("") });
        assert_eq!(Request::read(r#"{"type":"stop"}"#).unwrap(), Request::Stop);
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_what_to_send_instead() {
        for (text, detail) in [
            (r#"{"type":"wake","ref":"r"}"#, r#"There is no message of type "wake"; send filter, ping or stop."#),
            (r#"{"ref":"r"}"#, "A message needs a type; send filter, ping or stop."),
            (r#"{"type":1,"ref":"r"}"#, "type is a string; send it in quotes, or leave it out."),
            (
                r#"{"type":"filter","filter":"age > 3","ref":"r"}"#,
                r#"There is no member "filter" here; filter takes kinds, where, from and ref."#,
            ),
            (r#"{"type":"ping","where":"","ref":"r"}"#, r#"There is no member "where" here; ping takes ref."#),
            (r#"{"type":"stop","ref":"r"}"#, r#"There is no member "ref" here; stop takes no other member."#),
            (r#"{"type":"filter","where":null,"ref":"r"}"#, "where is a string; send it in quotes, or leave it out."),
            (
                r#"{"type":"filter","kinds":"Saves","ref":"r"}"#,
                "kinds is all, saves or deletes; send one of them, or none for all.",
            ),
            (
                r#"{"type":"filter","from":"0:1.1.1","ref":"r"}"#,
                "from is now or snapshot here; to resume with a cursor, connect with it.",
            ),
            (r#"{"type":"ping","type":"stop","ref":"r"}"#, r#"The member "type" is given twice; send it once."#),
        ] {
            assert_eq!(refused(text), (detail.to_owned(), Some("r".to_owned())), "{text}");
        }
    }

    #[test]
    fn a_ref_has_at_most_64_code_points() {
        let ping = |reference: &str| json!({"type": "ping", "ref": reference}).to_string();
        let longest = "é".repeat(MAX_REFERENCE);
        assert_eq!(Request::read(&ping(&longest)).unwrap(), Request::Ping { reference: Some(longest.clone()) });
        let detail = "ref is a string of at most 64 characters; send a shorter one, or none.";
        for text in [&ping(&format!("{longest}x")), r#"{"type":"ping","ref":7}"#, r#"{"type":"filter","ref":null}"#] {
            assert_eq!(refused(text), (detail.to_owned(), None), "{text}");
        }
        assert_eq!(refused(r#"{"type":"ping","ref":"a","ref":"b"}"#).1, None, "which of two is not known");
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        for text in ["", "stop", "[]", "null", "7", "\"ping\"", "{\"type\":\"ping\"", "{} {}", "{\"type\"\n:}"] {
            let (detail, reference) = refused(text);
            assert!(detail.starts_with("A message is one JSON object such as "), "{text}: {detail}");
            assert!(!detail.contains(" at line ") && reference.is_none(), "{text}: {detail}");
        }
        let problem = Request::read("{\"type\"\n:}").unwrap_err().problem.to_json(None);
        assert_eq!((&problem["line"], &problem["column"]), (&json!(2), &json!(2)));
        assert!(Request::read(&"[".repeat(100_000)).is_err(), "depth is bounded");
        assert!(Request::read(&format!("{{\"type\":{}", "[".repeat(100_000))).is_err(), "depth is bounded");
    }

    proptest! {
        #[test]
        fn any_text_is_a_message_or_is_refused_shortly(text in "\\PC*|[{}\\[\\]\":,a-z0-9\\\\ \n]{0,200}") {
            if let Err(refused) = Request::read(&text) {
                prop_assert!(refused.problem.to_json(None).to_string().len() < 1000);
            }
        }

        #[test]
        fn any_filter_and_ref_is_read_as_it_was_meant(text: String, reference in "(?s).{0,64}") {
            let sent = json!({"type": "filter", "where": text, "ref": reference}).to_string();
            let read = filter(Kinds::All, &text, FilterFrom::Now, Some(&reference));
            prop_assert_eq!(Request::read(&sent).unwrap(), read);
        }

        #[test]
        fn any_member_of_any_name_beside_the_known_is_refused(name: String) {
            prop_assume!(!["type", "ref"].contains(&name.as_str()));
            let sent = json!({"type": "ping", "ref": "r", name: "x"}).to_string();
            let refused = Request::read(&sent).unwrap_err();
            prop_assert_eq!(refused.reference.as_deref(), Some("r"));
        }
    }
}

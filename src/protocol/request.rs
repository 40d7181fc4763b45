//! Client messages of the JSON formats: read strictly, because a mistyped member must not select
//! everyone.

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
    /// Replaces the token of the stream.
    Token {
        /// The new token.
        token: TokenText,
        /// The client's own name for the request.
        reference: Option<String>,
    },
    /// Asks to be closed.
    Stop,
}

/// The text of a token. It is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(pub String);

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText")
    }
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
    /// Reads a message. Any text that is not one is refused: unknown types and members, members of
    /// a wrong type or given twice, a `ref` of more than [`MAX_REFERENCE`] code points.
    pub fn read(text: &str) -> Result<Self, Refused> {
        let mut members = MessageMembers::parse(text)?;
        let reference = members.reference();
        members.request().map_err(|detail| Refused {
            reference: reference.ok().flatten(),
            problem: Problem::new(ProblemKind::Malformed, detail),
        })
    }
}

/// An object's members in the order in which they were sent, a name as often as it was sent.
struct MessageMembers(Vec<(String, Value)>);

impl MessageMembers {
    fn parse(text: &str) -> Result<Self, Refused> {
        serde_json::from_str(text).map_err(|error| {
            let detail = format!(
                "A message is one JSON object such as {{\"type\":\"ping\"}}; this could not be \
                 read: {}",
                without_place(&error)
            );
            let problem = Problem::new(ProblemKind::Malformed, detail);
            Refused {
                reference: None,
                problem: problem
                    .with("line", error.line())
                    .with("column", error.column()),
            }
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
            Some("ping") => Request::Ping {
                reference: self.take_reference()?,
            },
            Some("token") => Request::Token {
                token: self.token()?,
                reference: self.take_reference()?,
            },
            Some("stop") => Request::Stop,
            Some(other) => {
                return Err(format!(
                    "There is no message of type {}; send filter, ping, token or stop.",
                    shortened(other)
                ));
            }
            None => {
                return Err("A message needs a type; send filter, ping, token or stop.".to_owned());
            }
        };
        match self.0.first() {
            None => Ok(request),
            Some((name, _)) => Err(format!(
                "There is no member {} here; {}.",
                shortened(name),
                request.members()
            )),
        }
    }

    /// The `ref`, left in place: what can be read of a message that is refused for something else.
    fn reference(&self) -> Result<Option<String>, String> {
        let mut references = self.0.iter().filter(|(name, _)| name == "ref");
        match (references.next(), references.next()) {
            (None, _) => Ok(None),
            (Some((_, Value::String(text))), None) if text.chars().count() <= MAX_REFERENCE => {
                Ok(Some(text.clone()))
            }
            _ => Err(format!(
                "ref is a string of at most {MAX_REFERENCE} characters; send a shorter one, or \
                 none."
            )),
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
            Some(text) => text.parse().map_err(|_| {
                "kinds is all, saves or deletes; send one of them, or none for all.".to_owned()
            }),
        }
    }

    fn from(&mut self) -> Result<FilterFrom, String> {
        match self.text("from")?.as_deref() {
            None | Some("now") => Ok(FilterFrom::Now),
            Some("snapshot") => Ok(FilterFrom::Snapshot),
            Some(_) => Err(
                "from is now or snapshot here; to resume with a cursor, connect with it."
                    .to_owned(),
            ),
        }
    }

    fn token(&mut self) -> Result<TokenText, String> {
        let token = self.text("token")?;
        token
            .map(TokenText)
            .ok_or_else(|| "A token message needs token, the new token.".to_owned())
    }

    /// Takes a member that is a string.
    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        let Some(index) = self.0.iter().position(|(member, _)| member == name) else {
            return Ok(None);
        };
        match self.0.remove(index).1 {
            Value::String(text) => Ok(Some(text)),
            _ => Err(format!(
                "{name} is a string; send it in quotes, or leave it out."
            )),
        }
    }

    /// A name that was sent more than once.
    fn twice(&self) -> Option<String> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
            .windows(2)
            .find(|pair| pair[0] == pair[1])
            .map(|pair| shortened(pair[0]))
    }
}

impl Request {
    /// Which members it takes, in words.
    const fn members(&self) -> &'static str {
        match self {
            Self::Filter { .. } => "filter takes kinds, where, from and ref",
            Self::Ping { .. } => "ping takes ref",
            Self::Token { .. } => "token takes token and ref",
            Self::Stop => "stop takes no other member",
        }
    }
}

/// The client's own text, quoted and shortened, so that a refusal stays short.
fn shortened(word: &str) -> String {
    format!("{:?}", word.chars().take(40).collect::<String>())
}

/// What is wrong, without line and column, which are members of their own.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ")
        .next()
        .unwrap_or(&text)
        .chars()
        .take(200)
        .collect()
}

impl<'de> Deserialize<'de> for MessageMembers {
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
mod tests;

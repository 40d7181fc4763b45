//! `If-Match` and `If-None-Match` (RFC 9110, section 13): an entity tag is a person's revision in
//! quotes.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::domain::{PersonId, Position};
use crate::protocol::problem::{Problem, ProblemKind};
use crate::store::Expect;

/// What a write demands of the person before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    /// Nothing.
    None,
    /// `If-None-Match: *`: there is none.
    Absent,
    /// `If-Match`: it is this one.
    Is(Tag),
}

/// An entity tag that a caller named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// `*`: whichever there is.
    Any,
    /// A revision.
    Revision(Position),
    /// Something that is no revision, so that no person ever has it.
    Foreign,
    /// A weak tag, which never matches here (RFC 9110, section 13.1.1).
    Weak,
}

impl Precondition {
    /// Reads the preconditions of a write; those that cannot be honoured are refused, never
    /// ignored.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let wanted = one(headers, header::IF_MATCH)?;
        match (wanted, one(headers, header::IF_NONE_MATCH)?) {
            (None, None) => Ok(Self::None),
            (Some(value), None) => Tag::read(value).map(Self::Is),
            (None, Some("*")) => Ok(Self::Absent),
            (None, Some(_)) => Err(malformed(
                "If-None-Match takes only * at a write: the person must not exist.",
            )),
            (Some(_), Some(_)) => Err(malformed(
                "If-Match and If-None-Match exclude each other: send one.",
            )),
        }
    }

    /// What a GET demands with `If-Match`; its `If-None-Match` is `entity_tag`'s.
    pub(super) fn of_read(headers: &HeaderMap) -> Result<Self, Problem> {
        one(headers, header::IF_MATCH)?
            .map_or(Ok(Self::None), |value| Tag::read(value).map(Self::Is))
    }

    /// The preconditions of a DELETE or PATCH: `If-Match` only.
    pub(super) fn of_existing(headers: &HeaderMap) -> Result<Self, Problem> {
        match Self::of(headers)? {
            Self::Absent => Err(malformed(
                "If-None-Match works with PUT only: it creates a person.",
            )),
            other => Ok(other),
        }
    }

    /// Checks that there are none, where there is no one person that they could be about.
    pub(super) fn none(headers: &HeaderMap) -> Result<(), Problem> {
        match Self::of(headers)? {
            Self::None => Ok(()),
            _ => Err(malformed(
                "If-Match and If-None-Match work at /people/ID only.",
            )),
        }
    }

    /// What the store must check; `otherwise` where the caller demands nothing.
    pub(super) fn expect(self, otherwise: Expect) -> Expect {
        match self {
            Self::None => otherwise,
            Self::Absent => Expect::Absent,
            Self::Is(Tag::Any) => Expect::Present,
            Self::Is(Tag::Revision(revision)) => Expect::Revision(revision),
            Self::Is(Tag::Foreign | Tag::Weak) => Expect::Impossible,
        }
    }

    /// Whether an existing person of this revision satisfies it.
    pub(super) fn holds(self, revision: Position) -> bool {
        match self {
            Self::None | Self::Is(Tag::Any) => true,
            Self::Absent | Self::Is(Tag::Foreign | Tag::Weak) => false,
            Self::Is(Tag::Revision(wanted)) => wanted == revision,
        }
    }

    /// The 412, of a person whose revision is `current`.
    pub(super) fn failed(self, current: Position) -> Problem {
        let detail = match self {
            Self::Is(Tag::Weak) => format!(
                "If-Match was a weak tag (W/), which never matches: something that compresses \
                 answers on their way made it of ETag. Send \"{current}\", the tag without W/, or \
                 have that left as it is."
            ),
            Self::Absent => format!("There is a person with this id, of revision {current}."),
            _ => format!("The person's revision is {current}: read it again and decide anew."),
        };
        Problem::new(ProblemKind::Precondition, detail)
    }

    /// The 404 of a write to a person who is not there.
    pub(super) fn nobody(self, method: &Method, id: PersonId) -> Problem {
        if *method == Method::PUT && self == Self::None {
            let detail = format!(
                "There is no record with id: {id}. To create it, send If-None-Match: * with the \
                 PUT."
            );
            return Problem::new(ProblemKind::NotFound, detail);
        }
        Problem::no_person(id)
    }
}

impl Tag {
    /// One entity tag, or `*`.
    fn read(value: &str) -> Result<Self, Problem> {
        if value == "*" {
            return Ok(Self::Any);
        }
        let (weak, strong) = value
            .strip_prefix("W/")
            .map_or((false, value), |strong| (true, strong));
        let opaque = strong
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .filter(|opaque| !opaque.contains('"'))
            .ok_or_else(|| {
                malformed("If-Match takes one entity tag in quotes, as ETag gave it, or *.")
            })?;
        Ok(if weak {
            Self::Weak
        } else {
            opaque.parse().map_or(Self::Foreign, Self::Revision)
        })
    }
}

/// A revision as an entity tag.
pub(super) fn entity_tag(revision: Position) -> HeaderValue {
    HeaderValue::try_from(format!("\"{revision}\"")).expect("a position is visible ASCII")
}

/// The 412 where the person's revision cannot be read.
pub(super) fn damaged(id: PersonId) -> Problem {
    let detail = format!(
        "The record of {id} is damaged, and its revision cannot be read. Without If-Match and \
         If-None-Match, or with If-Match: *, a PUT saves the person anew and a DELETE deletes it."
    );
    Problem::new(ProblemKind::Precondition, detail).with("damaged", "record")
}

fn one(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(&name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(malformed(format!(
            "The header {name} is given twice: send it once."
        )));
    }
    let text = |value: &'_ HeaderValue| value.to_str().is_ok();
    match value {
        None => Ok(None),
        Some(value) if text(value) => Ok(Some(value.to_str().unwrap_or_default().trim())),
        Some(_) => Err(malformed(format!("The header {name} must be ASCII."))),
    }
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::Malformed, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), value.parse().expect("a value"));
        }
        headers
    }

    #[test]
    fn if_match_takes_one_tag_or_a_star() {
        let of = |value: &str| Precondition::of(&headers(&[(header::IF_MATCH, value)])).ok();
        let revision = "a.1.b".parse().expect("a position");
        assert_eq!(of("*"), Some(Precondition::Is(Tag::Any)));
        assert_eq!(
            of("\"a.1.b\""),
            Some(Precondition::Is(Tag::Revision(revision)))
        );
        assert_eq!(of("\"x\""), Some(Precondition::Is(Tag::Foreign)));
        assert_eq!(of("W/\"a.1.b\""), Some(Precondition::Is(Tag::Weak)));
        assert!(!Precondition::Is(Tag::Weak).holds(revision));
        for wrong in [
            "w/\"a.1.b\"",
            "W/a",
            "W/*",
            "W/",
            "\"a.1.b\", \"a.2.c\"",
            "W/\"a\", \"b\"",
            "a.1.b",
            "",
            "\"",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_write_cannot_honour_is_refused() {
        for wrong in [
            headers(&[(header::IF_NONE_MATCH, "\"a.1.b\"")]),
            headers(&[(header::IF_NONE_MATCH, "*"), (header::IF_MATCH, "*")]),
            headers(&[(header::IF_MATCH, "*"), (header::IF_MATCH, "*")]),
        ] {
            assert!(Precondition::of(&wrong).is_err(), "{wrong:?}");
        }
        assert!(Precondition::of_existing(&headers(&[(header::IF_NONE_MATCH, "*")])).is_err());
        assert!(Precondition::none(&headers(&[(header::IF_MATCH, "*")])).is_err());
    }
}

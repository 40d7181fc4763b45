//! `If-Match` and `If-None-Match` (RFC 9110, section 13). The entity tag of a person is its
//! revision in quotes; for a caller who does not see all of it, with the fingerprint of the
//! caller's rights. Else a browser that changes users would take the first user's copy for the
//! second one's: with equal tags a cache uses it, whatever `Vary` says.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::domain::{Fingerprint, PersonId, Position};
use crate::http::refusal::malformed;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::rights::Scope;
use crate::store::Expectation;

/// Between the revision and the rights of a tag, as in a cursor.
const RIGHTS_MARK: &str = ",v:";

/// The condition of a call on the current person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    /// Nothing.
    None,
    /// `If-None-Match: *`: no such person exists.
    Absent,
    /// `If-Match`: the person has this tag.
    Is(EntityTag),
}

/// The entity tag of an `If-Match`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntityTag {
    /// `*`: any revision.
    Any,
    /// A revision.
    Revision(Position),
    /// A text that is not a revision: no person has it.
    Foreign,
    /// A weak tag, which never matches in `If-Match` (RFC 9110, section 13.1.1).
    Weak,
}

impl Precondition {
    /// Reads the preconditions of a write. One that cannot be honoured is refused, never ignored.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let wanted = one(headers, header::IF_MATCH)?;
        match (wanted, one(headers, header::IF_NONE_MATCH)?) {
            (None, None) => Ok(Self::None),
            (Some(value), None) => EntityTag::read(value).map(Self::Is),
            (None, Some("*")) => Ok(Self::Absent),
            (None, Some(_)) => Err(malformed(
                "If-None-Match takes only * at a write: the person must not exist.",
            )),
            (Some(_), Some(_)) => Err(malformed(
                "If-Match and If-None-Match exclude each other: send one.",
            )),
        }
    }

    /// The `If-Match` of a GET; its `If-None-Match` is read by `request::entity_tag`.
    pub(super) fn of_read(headers: &HeaderMap) -> Result<Self, Problem> {
        one(headers, header::IF_MATCH)?
            .map_or(Ok(Self::None), |value| EntityTag::read(value).map(Self::Is))
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

    /// Refuses preconditions on a call that does not concern one existing person.
    pub(super) fn none(headers: &HeaderMap) -> Result<(), Problem> {
        match Self::of(headers)? {
            Self::None => Ok(()),
            _ => Err(malformed(
                "If-Match and If-None-Match work at /people/ID only.",
            )),
        }
    }

    /// The expectation that the store checks; `otherwise` where there is no precondition.
    pub(super) fn expect(self, otherwise: Expectation) -> Expectation {
        match self {
            Self::None => otherwise,
            Self::Absent => Expectation::Absent,
            Self::Is(EntityTag::Any) => Expectation::Present,
            Self::Is(EntityTag::Revision(revision)) => Expectation::Revision(revision),
            Self::Is(EntityTag::Foreign | EntityTag::Weak) => Expectation::Impossible,
        }
    }

    /// Whether an existing person with this revision satisfies it.
    pub(super) fn holds(self, revision: Position) -> bool {
        match self {
            Self::None | Self::Is(EntityTag::Any) => true,
            Self::Absent | Self::Is(EntityTag::Foreign | EntityTag::Weak) => false,
            Self::Is(EntityTag::Revision(wanted)) => wanted == revision,
        }
    }

    /// The 412 for a person whose revision is `current`.
    pub(super) fn failed(self, current: Position) -> Problem {
        let detail = match self {
            Self::Is(EntityTag::Weak) => format!(
                "If-Match has a weak tag (W/), which never matches: a proxy that compresses \
                 answers made it of the ETag. Send \"{current}\", the tag without W/, or configure \
                 the proxy to keep the ETag."
            ),
            Self::Absent => format!("There is a person with this id, of revision {current}."),
            _ => format!("The person's revision is {current}: read it again and decide anew."),
        };
        Problem::new(ProblemKind::Precondition, detail)
    }

    /// The 404 of a write to a person that does not exist.
    pub(super) fn not_found(self, method: &Method, id: PersonId) -> Problem {
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

impl EntityTag {
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
            revision(opaque).map_or(Self::Foreign, Self::Revision)
        })
    }
}

/// A caller's entity tag of a person with this revision, without quotes.
pub(super) fn opaque_tag(revision: Position, scope: &Scope) -> String {
    match scope.mask().and(scope.fingerprint()) {
        Some(rights) => format!("{revision}{RIGHTS_MARK}{rights}"),
        None => revision.to_string(),
    }
}

/// The same as a header.
pub(super) fn entity_tag(revision: Position, scope: &Scope) -> HeaderValue {
    let tag = opaque_tag(revision, scope);
    HeaderValue::try_from(format!("\"{tag}\"")).expect("a tag is visible ASCII")
}

/// The revision in a tag, whatever the rights in it: a write depends on the person only.
fn revision(tag: &str) -> Option<Position> {
    let (revision, rights) = match tag.split_once(RIGHTS_MARK) {
        Some((revision, rights)) => (revision, Some(rights)),
        None => (tag, None),
    };
    let is_tag = rights.is_none_or(|rights| Fingerprint::read(rights).is_some());
    revision.parse().ok().filter(|_| is_tag)
}

/// The 412 for a person whose revision cannot be read.
pub(super) fn damaged(id: PersonId) -> Problem {
    let detail = format!(
        "The record of {id} is damaged, and its revision cannot be read. Without If-Match and \
         If-None-Match, or with If-Match: *, a PUT saves the person anew and a DELETE deletes it."
    );
    Problem::new(ProblemKind::Precondition, detail).with("damaged", "record")
}

/// The value of a header that may be given once.
fn one(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(&name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(malformed(format!(
            "The header {name} is given twice: send it once."
        )));
    }
    let text = value.map(|value| value.to_str().map(str::trim)).transpose();
    text.map_err(|_| malformed(format!("The header {name} must be ASCII.")))
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
        assert_eq!(of("*"), Some(Precondition::Is(EntityTag::Any)));
        assert_eq!(
            of("\"a.1.b\""),
            Some(Precondition::Is(EntityTag::Revision(revision)))
        );
        assert_eq!(
            of("\"a.1.b,v:0123456789abcdef\""),
            Some(Precondition::Is(EntityTag::Revision(revision)))
        );
        for foreign in ["\"x\"", "\"a.1.b,v:0\"", "\"x,v:0123456789abcdef\""] {
            assert_eq!(of(foreign), Some(Precondition::Is(EntityTag::Foreign)));
        }
        assert_eq!(of("W/\"a.1.b\""), Some(Precondition::Is(EntityTag::Weak)));
        assert!(!Precondition::Is(EntityTag::Weak).holds(revision));
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
    fn preconditions_that_a_write_cannot_honour_are_refused() {
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

//! Refusals as RFC 9457 problem documents: the one form of a refusal, over HTTP and inside
//! messages.

use std::fmt::Write as _;

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Map, Value, json};

use crate::domain::{PersonId, Rejection};
use crate::filter::FilterError;
use crate::rights::{Rights, ScopeError, Verb, WriteRefusal};

/// The kinds of problem; each is a `type` of `/problems/NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The request cannot be read.
    Malformed,
    /// It can be read, but its values are wrong.
    Validation,
    /// The filter is refused.
    Filter,
    /// The cursor is refused, or can no longer be continued.
    Cursor,
    /// There is nothing there.
    NotFound,
    /// The path does not know the method.
    Method,
    /// The body is of a type that the path does not take.
    MediaType,
    /// The body, or a line of it, is too long.
    TooLarge,
    /// An `If-Match` or `If-None-Match` does not hold.
    Precondition,
    /// Others kept changing the person.
    Conflict,
    /// The idempotency key cannot be used, or names another request.
    Idempotency,
    /// The page that asks comes from an origin that is not listed.
    Origin,
    /// The request's `Host` is not a name of the gateway.
    Host,
    /// A token is missing or refused.
    Token,
    /// The caller's rights do not allow the call.
    Forbidden,
    /// The caller has reached a limit.
    Limit,
    /// The gateway has no keys to verify tokens with.
    KeysUnavailable,
    /// There is more to do than the gateway takes.
    Overloaded,
    /// The store does not answer.
    StoreUnavailable,
    /// The store has no room left.
    StoreFull,
    /// Our own fault; it has no page of its own (`about:blank`).
    Internal,
}

/// One refusal. [`Problem::to_json`] writes it; its sender adds the request's path.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: ProblemKind,
    status: StatusCode,
    detail: String,
    members: Map<String, Value>,
    headers: HeaderMap,
    cause: Option<String>,
}

impl ProblemKind {
    /// Every one of them.
    pub const ALL: [Self; 21] = [
        Self::Malformed,
        Self::Validation,
        Self::Filter,
        Self::Cursor,
        Self::NotFound,
        Self::Method,
        Self::MediaType,
        Self::TooLarge,
        Self::Precondition,
        Self::Conflict,
        Self::Idempotency,
        Self::Origin,
        Self::Host,
        Self::Token,
        Self::Forbidden,
        Self::Limit,
        Self::KeysUnavailable,
        Self::Overloaded,
        Self::StoreUnavailable,
        Self::StoreFull,
        Self::Internal,
    ];

    /// The last segment of the type's path; none for `about:blank`.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Malformed => "malformed",
            Self::Validation => "validation",
            Self::Filter => "filter",
            Self::Cursor => "cursor",
            Self::NotFound => "not-found",
            Self::Method => "method",
            Self::MediaType => "media-type",
            Self::TooLarge => "too-large",
            Self::Precondition => "precondition",
            Self::Conflict => "conflict",
            Self::Idempotency => "idempotency",
            Self::Origin => "origin",
            Self::Host => "host",
            Self::Token => "token",
            Self::Forbidden => "forbidden",
            Self::Limit => "limit",
            Self::KeysUnavailable => "keys-unavailable",
            Self::Overloaded => "overloaded",
            Self::StoreUnavailable => "store-unavailable",
            Self::StoreFull => "store-full",
            Self::Internal => return None,
        })
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Malformed => "The request cannot be read",
            Self::Validation => "Some values are wrong",
            Self::Filter => "The filter is refused",
            Self::Cursor => "The cursor is refused",
            Self::NotFound => "There is nothing here",
            Self::Method => "The method is not allowed here",
            Self::MediaType => "The type of the body is not taken here",
            Self::TooLarge => "The body is too large",
            Self::Precondition => "The precondition does not hold",
            Self::Conflict => "Others changed the person at the same time",
            Self::Idempotency => "The idempotency key cannot be used",
            Self::Origin => "The origin is not allowed",
            Self::Host => "The host is not this gateway's",
            Self::Token => "The token is missing or refused",
            Self::Forbidden => "The caller may not do this",
            Self::Limit => "The caller has reached a limit",
            Self::KeysUnavailable => "Tokens cannot be verified",
            Self::Overloaded => "There is too much to do",
            Self::StoreUnavailable => "The store does not answer",
            Self::StoreFull => "The store is full",
            Self::Internal => "Internal Server Error",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Malformed | Self::Filter | Self::Cursor => StatusCode::BAD_REQUEST,
            Self::Validation | Self::Idempotency => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Origin | Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Limit => StatusCode::TOO_MANY_REQUESTS,
            Self::KeysUnavailable | Self::Overloaded | Self::StoreUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::StoreFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl Problem {
    /// A problem with its kind's usual status. `detail` gives the caller advice; if a repeat makes
    /// sense (503), the problem has a `Retry-After`.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let (status, detail) = (kind.status(), detail.into());
        let mut headers = HeaderMap::new();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Self(Box::new(Parts {
            kind,
            status,
            detail,
            members: Map::new(),
            headers,
            cause: None,
        }))
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// The same with one more member in its document, in place of one with the same name.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(member.to_owned(), value.into());
        self
    }

    /// The same with a header beside its document.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// The same with what lies behind it: for the log, never for the caller.
    #[must_use]
    pub fn caused_by(mut self, cause: impl ToString) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// There is no person with this id.
    pub fn no_person(id: PersonId) -> Self {
        Self::new(
            ProblemKind::NotFound,
            format!("There is no record with id: {id}"),
        )
    }

    /// The caller's rights lack a verb.
    pub fn forbidden(verb: Verb, rights: &Rights) -> Self {
        let detail = match (rights.lacks(), rights.role()) {
            (Some(error), _) => format!("{error}: ask the issuer of the token for it."),
            (None, Some(role)) => {
                format!(
                    "The role {role} does not allow this: it lacks {}.",
                    verb.name()
                )
            }
            (None, None) => {
                "The token names no role that this gateway knows: ask its issuer for one."
                    .to_owned()
            }
        };
        Self::refused(verb, detail)
    }

    /// The caller's rights do not allow what a call would do.
    pub fn refused(verb: Verb, detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Forbidden, detail)
            .with("verb", verb.name())
            .with_header(
                WWW_AUTHENTICATE,
                HeaderValue::from_static(r#"Bearer error="insufficient_scope""#),
            )
    }

    /// Its kind.
    pub fn kind(&self) -> ProblemKind {
        self.0.kind
    }

    /// The HTTP status that goes with it.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What lies behind it, for the log.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// A member of its document beside those that every document has.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.0.members.get(name)
    }

    /// The headers that go beside its document.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The document; `instance` names the request, where there is one.
    pub fn to_json(&self, instance: Option<&str>) -> Value {
        let mut kind = String::from("about:blank");
        if let Some(name) = self.0.kind.name() {
            kind.clear();
            write!(kind, "/problems/{name}").expect("a String takes all that is written to it");
        }
        let mut document = json!({
            "type": kind,
            "title": self.0.kind.title(),
            "status": self.0.status.as_u16(),
            "detail": self.0.detail,
        });
        if let Some(instance) = instance {
            document["instance"] = instance.into();
        }
        for (member, value) in &self.0.members {
            document[member.as_str()] = value.clone();
        }
        document
    }
}

/// What is wrong with a body, for the caller.
impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Malformed {
                line,
                column,
                detail,
            } => Self::new(
                ProblemKind::Malformed,
                format!("The body is not JSON: {detail}"),
            )
            .with("line", line)
            .with("column", column),
            Rejection::Invalid(faults) => {
                let named: Vec<&str> = faults
                    .iter()
                    .map(|fault| {
                        if fault.pointer.is_empty() {
                            "the body"
                        } else {
                            fault.pointer.as_str()
                        }
                    })
                    .collect();
                Self::new(
                    ProblemKind::Validation,
                    format!("Correct {}; errors says how.", named.join(", ")),
                )
                .with("errors", json!(faults))
            }
        }
    }
}

/// Where a filter is wrong, in code points, and what to write instead.
impl From<FilterError> for Problem {
    fn from(error: FilterError) -> Self {
        Self::new(ProblemKind::Filter, error.detail)
            .with("offset", error.offset)
            .with("length", error.length)
    }
}

/// Why a write is refused.
impl From<WriteRefusal> for Problem {
    fn from(refusal: WriteRefusal) -> Self {
        match refusal {
            WriteRefusal::Rejected(rejection) => rejection.into(),
            WriteRefusal::Forbidden(verb, detail) => Self::refused(verb, detail),
        }
    }
}

/// The same; what a filter must not name is forbidden.
impl From<ScopeError> for Problem {
    fn from(error: ScopeError) -> Self {
        match error {
            ScopeError::Filter(error) => error.into(),
            ScopeError::Hidden(error) => Self::from(error).with_status(StatusCode::FORBIDDEN),
            ScopeError::HiddenPath(_) => {
                Self::new(ProblemKind::Forbidden, format!("fields: {error}."))
            }
        }
    }
}

#[cfg(test)]
mod tests;

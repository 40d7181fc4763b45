//! The answer to a write that succeeded; a replay gets the same one.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::preconditions::entity_tag;
use crate::domain::{LogPosition, Person};
use crate::http::caller::Caller;
use crate::http::request::media;
use crate::rights::{Scope, Verb};
use crate::store::IdempotencyRecord;

const CHANGE_POSITION: HeaderName = HeaderName::from_static("change-position");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The request whose write is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerSource {
    /// This request.
    FirstWrite,
    /// An earlier request with the same key.
    Replay,
}

/// The path of a created person, relative to the call that created it. `Location` is relative (RFC
/// 3986, section 5.2), so that a proxy may put the gateway below any path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RelativeLocation {
    /// The path of the call: `PUT /people/ID`.
    Here,
    /// Below the path of the call: `POST /people`.
    Below,
}

/// A write that happened.
#[derive(Debug)]
pub(super) struct Success {
    /// The position of the change.
    pub(super) at: LogPosition,
    /// The person as it was saved; none after a delete.
    pub(super) person: Option<Person>,
    pub(super) source: AnswerSource,
}

impl Success {
    /// The success in the record of an idempotency key.
    pub(super) fn recorded(recorded: IdempotencyRecord, source: AnswerSource) -> Self {
        let IdempotencyRecord {
            at,
            id,
            created_at,
            time,
            save,
            ..
        } = recorded;
        let person = save.map(|fields| Person {
            id,
            fields,
            revision: at.position,
            created_at,
            updated_at: time,
        });
        Self { at, person, source }
    }

    /// The answer: `status` for a save, 204 for a delete.
    pub(super) fn answer(
        self,
        caller: &Caller,
        status: StatusCode,
        location: RelativeLocation,
    ) -> Response {
        let mut response = match &self.person {
            Some(person) => {
                let shown = self.is_shown_to(caller, person);
                saved(person, caller, shown, status, location)
            }
            None => StatusCode::NO_CONTENT.into_response(),
        };
        let at = HeaderValue::try_from(self.at.to_string()).expect("an at is visible ASCII");
        response.headers_mut().insert(CHANGE_POSITION, at);
        if self.source == AnswerSource::Replay {
            response
                .headers_mut()
                .insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }

    /// Whether the answer has the person. A caller that may not read is not shown it: a patch would
    /// show what it was merged into. A replay shows it only where it exists for the caller today.
    fn is_shown_to(&self, caller: &Caller, person: &Person) -> bool {
        let may_read = caller.rights().can().contains(Verb::Read);
        let is_first = self.source == AnswerSource::FirstWrite;
        may_read && (is_first || caller.scope().sees(person.id, &person.fields))
    }
}

/// A person as a body with a newline, so that a terminal's prompt begins on a line of its own.
pub(super) fn body(person: &Person, scope: &Scope) -> Body {
    let mut json = scope.to_json(person);
    json.push('\n');
    Body::from(json)
}

/// The answer to a save, with the person where it is shown.
fn saved(
    person: &Person,
    caller: &Caller,
    is_shown: bool,
    status: StatusCode,
    location: RelativeLocation,
) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if is_shown {
        *response.body_mut() = body(person, caller.scope());
        let json = HeaderValue::from_static(media::JSON);
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    let headers = response.headers_mut();
    headers.insert(header::ETAG, entity_tag(person.revision, caller.scope()));
    if status == StatusCode::CREATED {
        let location = match location {
            RelativeLocation::Here => person.id.to_string(),
            RelativeLocation::Below => format!("people/{}", person.id),
        };
        let location = HeaderValue::try_from(location).expect("an id is visible ASCII");
        headers.insert(header::LOCATION, location);
    }
    response
}

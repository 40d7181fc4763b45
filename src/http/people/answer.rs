//! What a write's success looks like: the same for its first answer and for a replay.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::preconditions::entity_tag;
use crate::domain::{LogPosition, Person};
use crate::http::media;
use crate::store::Recorded;

const CHANGE_POSITION: HeaderName = HeaderName::from_static("change-position");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Whether an answer comes from this request's own write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It does.
    First,
    /// An earlier request with the same key did the write.
    Replayed,
}

/// Where a created person is, seen from the call that created it. `Location` is relative (RFC 3986,
/// section 5.2), so that a proxy may put the gateway below any path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// At the path that was called: `PUT /people/ID`.
    Here,
    /// Below it: `POST /people`.
    Below,
}

/// A write that happened.
#[derive(Debug)]
pub(super) struct Success {
    /// Where the change stands.
    pub(super) at: LogPosition,
    /// The person as it was saved; none after a delete.
    pub(super) person: Option<Person>,
    /// Who did it.
    pub(super) origin: Origin,
}

impl Success {
    /// The success that a key remembers.
    pub(super) fn recorded(recorded: Recorded, origin: Origin) -> Self {
        let Recorded {
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
        Self { at, person, origin }
    }

    /// The answer: `status` for a save, 204 for a delete.
    pub(super) fn answer(self, status: StatusCode, location: Location) -> Response {
        let mut response = match &self.person {
            Some(person) => saved(person, status, location),
            None => StatusCode::NO_CONTENT.into_response(),
        };
        let at = HeaderValue::try_from(self.at.to_string()).expect("an at is visible ASCII");
        response.headers_mut().insert(CHANGE_POSITION, at);
        if self.origin == Origin::Replayed {
            response
                .headers_mut()
                .insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// A person as a body, with a line end: in a terminal the prompt begins on a line of its own.
pub(super) fn body(person: &Person) -> Body {
    let mut json = person.to_json();
    json.push('\n');
    Body::from(json)
}

fn saved(person: &Person, status: StatusCode, location: Location) -> Response {
    let mut response = Response::new(body(person));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media::JSON));
    headers.insert(header::ETAG, entity_tag(person.revision));
    if status == StatusCode::CREATED {
        let location = match location {
            Location::Here => person.id.to_string(),
            Location::Below => format!("people/{}", person.id),
        };
        let location = HeaderValue::try_from(location).expect("an id is visible ASCII");
        headers.insert(header::LOCATION, location);
    }
    response
}

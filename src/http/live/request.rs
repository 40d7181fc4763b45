//! The request for a stream: a view, a format, and where the stream starts.
//!
//! The session starts before the request is answered, so that the client misses nothing that is
//! accepted after the answer.

use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri, header};

use crate::domain::{Cursor, InvalidCursor, Operation};
use crate::filter::{Kinds, View};
use crate::http::caller::Caller;
use crate::http::caller::head::CallHead;
use crate::http::caller::limits::admit_handshake;
use crate::http::refusal::malformed;
use crate::http::request::header_list::lists;
use crate::http::request::projection::projection;
use crate::http::request::query::Parameters;
use crate::http::{HttpState, access};
use crate::protocol::format::WireFormat;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::session::{Opening, ResetCause, Start, StartError, Subscription};

const PARAMETERS: &[&str] = &["kinds", "where", "fields", "from", "close_on"];
/// Libraries that imitate an event source (polyfills) send this in place of `Last-Event-ID`.
const LAST_EVENT_ID: &str = "lastEventId";
const EVENT_PARAMETERS: &[&str] = &[
    "kinds",
    "where",
    "fields",
    "from",
    "close_on",
    LAST_EVENT_ID,
];

/// The stream that a client asks for.
pub(super) struct StreamRequest {
    subscription: Subscription,
    start: Start,
}

impl StreamRequest {
    /// Reads the parameters of a query. `last_event` is the header `Last-Event-ID`: it overrides
    /// the parameter of the same meaning, and both override `from`.
    pub(super) fn read(
        state: &HttpState,
        caller: &Caller,
        uri: &Uri,
        format: WireFormat,
        last_event: Option<&str>,
    ) -> Result<Self, Problem> {
        let known = if format == WireFormat::Sse {
            EVENT_PARAMETERS
        } else {
            PARAMETERS
        };
        let parameters = Parameters::parse(uri.query(), known)?;
        let kinds = parameters.get("kinds").map_or(Ok(Kinds::All), str::parse);
        let kinds = kinds.map_err(|error| malformed(format!("{error}.")))?;
        let projection = projection(&parameters)?;
        if projection.is_some() && format == WireFormat::Text {
            return Err(malformed(
                "fields is for JSON and server-sent events: text always has the same values.",
            ));
        }
        let scope = caller.scope().showing(projection)?;
        let condition = parameters.get("where").unwrap_or_default();
        let filter = scope.shared_filter(condition, state.sessions.filters())?;
        let close_on = match parameters.get("close_on") {
            None => None,
            Some(_) if format == WireFormat::Sse => {
                return Err(malformed(
                    "close_on is for WebSocket: an event source would connect again.",
                ));
            }
            Some("save") => Some(Operation::Save),
            Some("delete") => Some(Operation::Delete),
            Some(_) => return Err(malformed("close_on is one of save, delete.")),
        };
        let parameter = || parameters.get(LAST_EVENT_ID).filter(|id| !id.is_empty());
        let start = match (last_event.or_else(parameter), parameters.get("from")) {
            (Some(id), _) => Start::LastEvent(cursor(state, id)?.ok()),
            (None, None | Some("now")) => Start::Now,
            (None, Some("snapshot")) => Start::Snapshot,
            (None, Some(text)) => {
                Start::Cursor(cursor(state, text)?.map_err(|error| not_a_cursor(&error))?)
            }
        };
        Ok(Self {
            subscription: Subscription {
                view: View { kinds, filter },
                scope,
                format,
                close_on,
            },
            start,
        })
    }

    /// Decides where the session starts.
    pub(super) async fn start(
        self,
        state: &HttpState,
        caller: &Caller,
    ) -> Result<Opening, Problem> {
        let started = state.sessions.start(self.subscription, self.start).await;
        let opening = started.map_err(refusal)?;
        Ok(opening.with_token(caller.stream_token()))
    }
}

/// Whether a request asks for a WebSocket.
pub(in crate::http) fn is_upgrade(request: &Request) -> bool {
    request.method() == Method::GET && lists(request.headers(), &header::UPGRADE, "websocket")
}

/// Refuses a page of a denied origin, every client of a gateway that shuts down, and an address
/// that makes too many handshakes.
pub(super) fn check(state: &HttpState, request: &Request) -> Result<(), Problem> {
    access::check_stream(request)?;
    if state.readiness.is_draining() {
        return Err(Problem::new(
            ProblemKind::Overloaded,
            "This gateway is going down: connect again, to another.",
        ));
    }
    admit_handshake(state, CallHead::of(request))
}

/// Reads a cursor. Before the gateway has reached the store it knows no partitions, and every text
/// is answered 503.
fn cursor(state: &HttpState, text: &str) -> Result<Result<Cursor, InvalidCursor>, Problem> {
    let partitions = state.sessions.partitions().map_err(refusal)?;
    Ok(Cursor::read(text, partitions))
}

fn not_a_cursor(error: &InvalidCursor) -> Problem {
    Problem::new(
        ProblemKind::Cursor,
        format!("from is now, snapshot or a cursor as you were given it: {error}."),
    )
}

fn gone(reason: ResetCause) -> String {
    match reason {
        ResetCause::Rights => {
            "This cursor was made under other rights than the caller has: start with \
             from=snapshot."
                .to_owned()
        }
        ResetCause::Log(reason) => format!(
            "What came after this cursor is no longer known ({}): start with from=snapshot.",
            reason.name()
        ),
    }
}

fn refusal(error: StartError) -> Problem {
    match error {
        StartError::NotReady => Problem::new(
            ProblemKind::StoreUnavailable,
            "The store has not been reached yet. Connect again in a moment.",
        ),
        StartError::Gone(reason) => Problem::new(ProblemKind::Cursor, gone(reason))
            .with_status(StatusCode::GONE)
            .with("reason", reason.name()),
        StartError::Store(error) => Problem::from(error),
    }
}

//! Live updates: what a client chooses when it connects, whichever way the stream goes to it.
//!
//! Where a session begins is decided before the request is answered, so that nothing is missed that
//! is accepted after the answer.

mod events;
mod websocket;

pub(super) use websocket::is_upgrade;

use axum::extract::{Request, State as Extract};
use axum::http::Uri;
use axum::response::Response;

use super::query::Parameters;
use super::{Shared, State, access};
use crate::domain::Operation;
use crate::filter::{Kinds, View};
use crate::protocol::format::WireFormat;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::session::{Opening, Start, StartError, Subscription};

const PARAMETERS: &[&str] = &["kinds", "where", "from", "close_on"];
/// What an event source in a library (a polyfill) sends in place of the header `Last-Event-ID`.
const LAST_EVENT_ID: &str = "lastEventId";
/// The same for event sources.
const EVENT_PARAMETERS: &[&str] = &["kinds", "where", "from", "close_on", LAST_EVENT_ID];

/// The stream that a client asks for.
struct Wanted {
    subscription: Subscription,
    start: Start,
}

/// `GET /updates`.
pub(super) async fn updates(
    Extract(state): Extract<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    open(&state, request).await
}

/// A WebSocket, or server-sent events where no upgrade is asked for.
pub(super) async fn open(state: &State, request: Request) -> Result<Response, Problem> {
    if is_upgrade(&request) {
        websocket::open(state, request).await
    } else {
        events::open(state, request).await
    }
}

/// Whether this page may read the stream, and whether this gateway still takes clients.
fn admit(state: &State, request: &Request) -> Result<(), Problem> {
    access::admit(request)?;
    if state.readiness.is_draining() {
        return Err(Problem::new(
            ProblemKind::Overloaded,
            "This gateway is going down: connect again, to another.",
        ));
    }
    Ok(())
}

impl Wanted {
    fn of(state: &State, uri: &Uri, format: WireFormat) -> Result<Self, Problem> {
        let known = if format == WireFormat::Sse {
            EVENT_PARAMETERS
        } else {
            PARAMETERS
        };
        let parameters = Parameters::parse(uri.query(), known)?;
        let kinds = parameters.get("kinds").map_or(Ok(Kinds::All), str::parse);
        let kinds = kinds.map_err(|error| malformed(format!("{error}.")))?;
        let filter = state
            .sessions
            .filters()
            .parse(parameters.get("where").unwrap_or_default())?;
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
        let last_event = parameters.get(LAST_EVENT_ID).filter(|id| !id.is_empty());
        let start = match (last_event, parameters.get("from")) {
            (Some(id), _) => Start::LastEvent(id.to_owned()),
            (None, None | Some("now")) => Start::Now,
            (None, Some("snapshot")) => Start::Snapshot,
            (None, Some(cursor)) => Start::Cursor(cursor.to_owned()),
        };
        Ok(Self {
            subscription: Subscription {
                view: View { kinds, filter },
                format,
                close_on,
            },
            start,
        })
    }

    async fn start(self, state: &State) -> Result<Opening, Problem> {
        state
            .sessions
            .start(self.subscription, self.start)
            .await
            .map_err(refusal)
    }
}

fn refusal(error: StartError) -> Problem {
    match error {
        StartError::NotReady => Problem::new(
            ProblemKind::StoreUnavailable,
            "The store has not been reached yet. Connect again in a moment.",
        ),
        StartError::Cursor(error) => Problem::new(
            ProblemKind::Cursor,
            format!("from is now, snapshot or a cursor as you were given it: {error}."),
        ),
        StartError::Gone(reason) => Problem::new(
            ProblemKind::Cursor,
            format!(
                "What came after this cursor is no longer known ({}): start with from=snapshot.",
                reason.name()
            ),
        )
        .with_status(axum::http::StatusCode::GONE)
        .with("reason", reason.name()),
        StartError::Store(error) => Problem::from(error),
    }
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::Malformed, detail)
}

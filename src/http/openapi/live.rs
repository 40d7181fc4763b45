//! Live updates: what REST's description has to say of them. Their messages are in docs/asyncapi.yaml.

use utoipa::openapi::path::Operation;

use super::call::{Answer, Call, LIVE, stream_content};
use super::examples;
use super::refusals::{Refusal, STORE};
use super::schemas;
use crate::http::media;

/// What only streams are refused for.
pub(super) const REFUSALS: [Refusal; 4] = [Refusal::Origin, Refusal::Gone, Refusal::Version, Refusal::Draining];

pub(super) fn updates() -> Operation {
    let text = "Server-sent events (WHATWG HTML): `event` is the type, `data` the message, `id` the cursor.";
    let stream = Answer::new("The stream, where no upgrade was asked for. It goes on for ever.")
        .headers(&["Cache-Control", "Vary"])
        .content(media::EVENT_STREAM, stream_content(schemas::events(text), &examples::event()));
    Call::new(LIVE, "updates", "What happens to the people who match a filter")
        .text(
            "A **view** is the people who match `where`. Whoever opens one is told who enters it, changes in it and leaves \
             it, exactly: across lost connections and on any gateway, it goes on at its cursor or is told `reset`.\n\n\
             An upgrade asks for a WebSocket: with the subprotocol `people.v1.json` or `cloudevents.json`, or plain text \
             without one. Otherwise the answer is a stream of server-sent events. `GET /people` takes the upgrade too.",
        )
        .takes(&["Kinds", "Where", "From", "CloseOn", "LastEvent", "LastEventId", "Subprotocol", "Upgrade"])
        .answers("101", upgraded())
        .answers("200", stream)
        .refuses(&[Refusal::Query, Refusal::Filter, Refusal::Cursor])
        .refuses(&REFUSALS)
        .refuses(&STORE)
        .stream()
        .build()
}

/// The answer to a handshake.
pub(super) fn upgraded() -> Answer {
    Answer::new("The WebSocket is open; its messages are described in `/asyncapi.yaml`.")
}

//! The answer to a client's request. It comes after everything before the request was sent, so a
//! filter changes at one checkpoint, and a position is never ahead of the changes.

use std::sync::Arc;

use bytes::Bytes;

use super::renewal::{RescopedView, no_token};
use crate::filter::{SharedFilters, View};
use crate::history::Checkpoint;
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::message::Message;
use crate::protocol::problem::Problem;
use crate::protocol::request::{FilterFrom, Refused, Request};
use crate::rights::{Lease, Scope};
use crate::session::connection::ResetCause;
use crate::session::connection::{CatchUp, ClientRequest};
use crate::session::subscription::Subscription;
use crate::session::token::Renewal;

/// What follows from a request.
pub(super) enum RequestOutcome {
    /// A frame, and how the catch-up goes on.
    RequestAnswer(RequestAnswer),
    /// The session is closed.
    Close(Close),
}

/// An answer of the session's own.
pub(super) struct RequestAnswer {
    pub(super) frame: Option<Bytes>,
    pub(super) catch_up: CatchUp,
    /// The offset up to which the client knows its position after the frame, where that changes.
    pub(super) announced: Option<u64>,
    /// The new view, where it changes.
    pub(super) view: Option<View>,
    /// What the client sees from here on, where that changes.
    pub(super) scope: Option<Scope>,
    /// Whether a snapshot that is under way is dropped.
    pub(super) drops_snapshot: bool,
}

/// A request of a session with this catch-up; `newest` is this gateway's checkpoint.
pub(super) fn reply(
    request: ClientRequest,
    catch_up: CatchUp,
    subscription: &Subscription,
    filters: &SharedFilters,
    newest: Option<Checkpoint>,
    renew: impl FnOnce(Result<Arc<Lease>, Problem>) -> Renewal<Option<RescopedView>>,
) -> RequestOutcome {
    let context = Context {
        catch_up,
        subscription,
        newest,
    };
    let answer = match request {
        ClientRequest::Kinds(kinds) => {
            let filter = subscription.view.filter.clone();
            context.change_kinds(View { kinds, filter })
        }
        ClientRequest::Message(Request::Ping { reference }) => context.pong(reference.as_deref()),
        ClientRequest::Message(Request::Stop) => {
            return RequestOutcome::Close(Close::new(CloseCode::NORMAL, ""));
        }
        ClientRequest::Message(Request::Filter {
            kinds,
            filter_text,
            from,
            reference,
        }) => match (
            subscription.scope.shared_filter(&filter_text, filters),
            from,
        ) {
            (Ok(filter), FilterFrom::Now) => {
                context.show_from_now(View { kinds, filter }, reference.as_deref())
            }
            (Ok(filter), FilterFrom::Snapshot) => {
                context.show_snapshot(View { kinds, filter }, reference.as_deref())
            }
            (Err(error), _) => context.refuse(&Refused {
                reference,
                problem: Problem::from(error),
            }),
        },
        ClientRequest::Refused(refused) => context.refuse(&refused),
        ClientRequest::Message(Request::Token { reference, .. }) => context.refuse(&Refused {
            reference,
            problem: no_token(),
        }),
        ClientRequest::Renew {
            reference,
            verified,
        } => match renew(verified) {
            Renewal::Accepted {
                seconds, admitted, ..
            } => context.token(reference.as_deref(), seconds, admitted),
            Renewal::Refused(problem) => context.refuse(&Refused { reference, problem }),
            Renewal::RefusedTooOften => return RequestOutcome::Close(Close::REFUSED_TOKENS),
        },
    };
    RequestOutcome::RequestAnswer(answer)
}

struct Context<'a> {
    catch_up: CatchUp,
    subscription: &'a Subscription,
    newest: Option<Checkpoint>,
}

impl Context<'_> {
    fn frame(&self, message: &Message<'_>) -> Option<Bytes> {
        self.subscription.message(message)
    }

    /// An answer after which the catch-up goes on.
    fn go_on(self, frame: Option<Bytes>, announced: Option<u64>) -> RequestAnswer {
        RequestAnswer {
            frame,
            catch_up: self.catch_up,
            announced,
            view: None,
            scope: None,
            drops_snapshot: false,
        }
    }

    fn change_kinds(self, view: View) -> RequestAnswer {
        match self.catch_up {
            // A snapshot has all matching people for any kinds: it goes on.
            CatchUp::Snapshot { .. } => RequestAnswer {
                view: Some(view),
                ..self.go_on(None, None)
            },
            CatchUp::Replay { .. } => self.show_from_now(view, None),
        }
    }

    fn pong(self, reference: Option<&str>) -> RequestAnswer {
        let checkpoint = match &self.catch_up {
            CatchUp::Replay {
                from,
                owes_live: None,
            } => Some(from),
            // Before `live` a client holds no cursor.
            CatchUp::Replay {
                owes_live: Some(_), ..
            }
            | CatchUp::Snapshot { .. } => None,
        };
        let cursor = checkpoint.map(|checkpoint| &checkpoint.cursor);
        let frame = self.frame(&Message::Pong { reference, cursor });
        let announced = checkpoint.map(|checkpoint| checkpoint.offset);
        self.go_on(frame, announced)
    }

    fn show_from_now(mut self, view: View, reference: Option<&str>) -> RequestAnswer {
        let (from, owes_live) = match (self.catch_up.clone(), self.newest.take()) {
            (CatchUp::Replay { from, owes_live }, _) => (from, owes_live),
            // A snapshot that ends here leaves the client without a position: the new view begins
            // where this gateway is.
            (CatchUp::Snapshot { .. }, Some(newest)) => {
                let offset = newest.offset;
                (newest, Some(offset))
            }
            (CatchUp::Snapshot { .. }, None) => return self.go_on(None, None),
        };
        let frame = self.frame(&Message::Filtered {
            reference,
            cursor: Some(&from.cursor),
        });
        RequestAnswer {
            frame,
            announced: Some(from.offset),
            catch_up: CatchUp::Replay { from, owes_live },
            view: Some(view),
            scope: None,
            drops_snapshot: true,
        }
    }

    fn show_snapshot(self, view: View, reference: Option<&str>) -> RequestAnswer {
        let cursor = None;
        RequestAnswer {
            frame: self.frame(&Message::Filtered { reference, cursor }),
            announced: None,
            catch_up: CatchUp::Snapshot { reset: None },
            view: Some(view),
            scope: None,
            drops_snapshot: true,
        }
    }

    fn token(
        self,
        reference: Option<&str>,
        seconds: u64,
        rescoped: Option<RescopedView>,
    ) -> RequestAnswer {
        let frame = self.frame(&Message::Token { reference, seconds });
        let Some(RescopedView { view, scope }) = rescoped else {
            return self.go_on(frame, None);
        };
        let reset = Some(ResetCause::Rights);
        RequestAnswer {
            frame,
            announced: None,
            catch_up: CatchUp::Snapshot { reset },
            view: Some(view),
            scope: Some(scope),
            drops_snapshot: true,
        }
    }

    fn refuse(self, refused: &Refused) -> RequestAnswer {
        let Refused { reference, problem } = refused;
        let frame = self.frame(&Message::Error {
            reference: reference.as_deref(),
            problem,
        });
        self.go_on(frame, None)
    }
}

//! A client's new token takes effect where it stands in the client's requests.

use std::sync::Arc;

use crate::protocol::problem::{Problem, ProblemKind};
use crate::rights::Lease;
use crate::session::connection::Connection;
use crate::session::shared::{Shared, TokenRefresh};
use crate::session::token::Renewal;

/// Replaces the token of a session, if the new one may.
pub(super) fn renew(
    shared: &Shared,
    connection: &Arc<Connection>,
    verified: Result<Arc<Lease>, Problem>,
) -> Renewal {
    let (now, lead) = (shared.now(), shared.options.refresh_lead);
    let renewal = connection
        .with_token(|token| token.renew(verified, now, lead))
        .unwrap_or_else(|| Renewal::Refused(no_token()));
    let outcome = match &renewal {
        Renewal::Accepted {
            due, generation, ..
        } => {
            shared.timers.watch_token(connection, *generation, *due);
            TokenRefresh::Accepted
        }
        Renewal::Refused(_) | Renewal::RefusedTooOften => TokenRefresh::Refused,
    };
    shared.metrics.token_refreshes.at(outcome).inc();
    renewal
}

/// The refusal of a token where callers need none.
pub(in crate::session) fn no_token() -> Problem {
    Problem::new(
        ProblemKind::Malformed,
        "This stream has no token to replace: the gateway asks for none.",
    )
}

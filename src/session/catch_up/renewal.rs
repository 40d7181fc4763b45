//! A client's new token takes effect where it stands in the client's requests.

use std::sync::Arc;

use crate::filter::{SharedFilters, View};
use crate::protocol::problem::{Problem, ProblemKind};
use crate::rights::{Lease, Rights, Scope};
use crate::session::connection::Connection;
use crate::session::shared::{Shared, TokenRefresh};
use crate::session::subscription::Subscription;
use crate::session::token::Renewal;

/// The view of a client whose rights have changed.
pub(super) struct RescopedView {
    pub(super) view: View,
    pub(super) scope: Scope,
}

/// Replaces the token of a session, if the new one may.
pub(super) fn renew(
    shared: &Shared,
    connection: &Arc<Connection>,
    subscription: &Subscription,
    verified: Result<Arc<Lease>, Problem>,
) -> Renewal<Option<RescopedView>> {
    let (now, lead) = (shared.now(), shared.options.refresh_lead);
    let admit = |rights: &Rights| rescoped(subscription, rights.scope(), &shared.filters);
    let renewal = connection
        .with_token(|token| token.renew(verified, now, lead, admit))
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

/// The same view under other rights; none where the client sees what it saw. An error if the view
/// names what the rights hide.
fn rescoped(
    subscription: &Subscription,
    scope: &Scope,
    filters: &SharedFilters,
) -> Result<Option<RescopedView>, Problem> {
    let scope = scope.showing(subscription.scope.projection().cloned())?;
    if scope == subscription.scope {
        return Ok(None);
    }
    let asked = subscription.view.filter.asked();
    let view = View {
        kinds: subscription.view.kinds,
        filter: scope.shared_filter(asked.text(), filters)?,
    };
    Ok(Some(RescopedView { view, scope }))
}

/// The refusal of a token on a stream that began without one.
pub(in crate::session) fn no_token() -> Problem {
    Problem::new(
        ProblemKind::Malformed,
        "This stream began without a token, and has none to replace: connect anew with it.",
    )
}

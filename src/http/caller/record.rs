//! What the audit log says of a call that was forbidden.
//!
//! A handler learns who calls, and the layer around all handlers sees the answer: the record goes
//! along with the request between them.

use std::sync::{Arc, OnceLock};

use axum::extract::Request;
use axum::http::Extensions;
use axum::response::Response;

use crate::http::HttpState;
use crate::http::envelope::RequestId;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::rights::{Lease, Rights, Verb};
use crate::telemetry::ForbiddenCall;

/// The caller, as soon as it is known.
#[derive(Clone, Default)]
pub(in crate::http) struct CallRecord(Arc<OnceLock<KnownCaller>>);

struct KnownCaller {
    /// None without a token.
    lease: Option<Arc<Lease>>,
    rights: Arc<Rights>,
}

impl CallRecord {
    /// Goes along with the request from here.
    pub(in crate::http) fn begin(request: &mut Request) -> Self {
        let record = Self::default();
        request.extensions_mut().insert(record.clone());
        record
    }

    /// Notes who calls.
    pub(super) fn identify(
        extensions: &Extensions,
        lease: Option<&Arc<Lease>>,
        rights: &Arc<Rights>,
    ) {
        if let Some(Self(caller)) = extensions.get() {
            // A request has one caller.
            let _ = caller.set(KnownCaller {
                lease: lease.cloned(),
                rights: Arc::clone(rights),
            });
        }
    }

    /// Counts and logs the answer, if it says that the call is forbidden.
    pub(in crate::http) fn end(
        self,
        state: &HttpState,
        route: &'static str,
        id: &RequestId,
        answer: &Response,
    ) {
        let problem = answer.extensions().get::<Problem>();
        let is_forbidden = |problem: &&Problem| problem.kind() == ProblemKind::Forbidden;
        let Some(problem) = problem.filter(is_forbidden) else {
            return;
        };
        let verb = problem.member("verb").and_then(|verb| verb.as_str());
        let verb = verb.unwrap_or_default();
        if let Some(known) = Verb::ALL.into_iter().find(|known| known.name() == verb) {
            state.metrics.forbidden.at(known).inc();
        }
        let caller = self.0.get();
        let lease = caller.and_then(|caller| caller.lease.as_ref());
        state.audit.forbidden(&ForbiddenCall {
            subject: lease.map(|lease| &*lease.subject),
            role: caller.and_then(|caller| caller.rights.role()),
            verb,
            route,
            request: id,
        });
    }
}

//! Access by host and origin: every request passes here before it is routed.
//!
//! `policy` decides and does nothing else; this file turns its decisions into answers, headers and
//! log lines.

mod cors;
mod host;
mod log_once;
mod origin;
mod policy;
mod proxy;
mod refusals;

pub use host::{Host, InvalidHost};
pub use origin::{InvalidOrigin, Origin};
pub use policy::Exposure;
pub(super) use proxy::caller_address;
pub use proxy::{InvalidProxyRange, ProxyRange};

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::protocol::problem::{Problem, ProblemKind};
use host::Authority;
use log_once::{LogDecision, LogOnce};
use policy::{AccessPolicy, HostFault, HostRequirement, OriginDecision};

/// The access check of one listener.
pub(super) struct Access {
    policy: AccessPolicy,
    logged: LogOnce,
}

/// Why a page of another origin may not open a stream. The request carries it as an extension to
/// the handlers of streams.
#[derive(Clone, Debug)]
struct StreamRefusal(Problem);

impl Access {
    /// The check of the public listener.
    pub(super) fn public(exposure: Exposure, hosts: Vec<Host>, origins: Vec<Origin>) -> Self {
        Self::new(AccessPolicy {
            exposure,
            requirement: HostRequirement::Always,
            hosts,
            origins,
        })
    }

    /// The check of the admin listener: no page of another origin may read there.
    pub(super) fn admin(exposure: Exposure, hosts: Vec<Host>) -> Self {
        Self::new(AccessPolicy {
            exposure,
            requirement: HostRequirement::FromHttp11,
            hosts,
            origins: Vec::new(),
        })
    }

    fn new(policy: AccessPolicy) -> Self {
        Self {
            policy,
            logged: LogOnce::default(),
        }
    }

    /// Refuses requests for other hosts, answers preflights, passes all other requests to `inner`,
    /// and adds the CORS headers to its answers.
    pub(super) async fn guard<F: Future<Output = Response>>(
        &self,
        mut request: Request,
        inner: impl FnOnce(Request) -> F,
    ) -> Response {
        let authority = match self.host(&request) {
            Ok(authority) => authority,
            Err(problem) => return problem.into_response(),
        };
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        let origin = origins.next().cloned();
        if origins.next().is_some() {
            return refusals::origin_twice().into_response();
        }
        let decision = self.policy.decide(origin.as_ref(), authority.as_ref());
        let preflight = cors::is_preflight(request.method(), request.headers());
        let mut response = match (decision, &origin) {
            (OriginDecision::Allowed, _) if preflight => cors::answer_preflight(),
            (OriginDecision::Denied, Some(origin)) => {
                let problem = self.deny(origin, authority.as_ref());
                if preflight {
                    problem.into_response()
                } else {
                    request.extensions_mut().insert(StreamRefusal(problem));
                    inner(request).await
                }
            }
            _ => inner(request).await,
        };
        self.add_headers(&mut response, decision, origin);
        response
    }

    /// Refuses a request for another host: the whole check where no other origin is ever allowed.
    pub(super) fn check_host(&self, request: &Request) -> Result<(), Problem> {
        self.host(request).map(drop)
    }

    /// The host that a request names, if it names one; a refusal where that host is not served.
    fn host(&self, request: &Request) -> Result<Option<Authority>, Problem> {
        let named = self
            .policy
            .host(request.version(), request.uri(), request.headers());
        named.map_err(|fault| {
            if let HostFault::Unknown(host) = &fault {
                self.log(
                    &host.to_string(),
                    "requests for this host are refused; http.hosts lists those that are served",
                );
            }
            refusals::host(&fault)
        })
    }

    /// The refusal of a page of another origin; logged once an origin.
    fn deny(&self, origin: &HeaderValue, asked: Option<&Authority>) -> Problem {
        self.log(
            &refusals::shown(origin),
            "pages of this origin are refused; http.origins lists those that may call",
        );
        refusals::origin(origin, asked, self.policy.exposure)
    }

    fn log(&self, caller: &str, message: &'static str) {
        let decision = self.logged.decide(caller);
        if decision != LogDecision::Skip {
            tracing::warn!(caller, "{message}");
        }
        if decision == LogDecision::LogAsLast {
            tracing::warn!("many hosts and origins were refused: no other refusal is logged");
        }
    }

    /// Adds the headers by which a page of an allowed origin can read the answer. A page of a
    /// denied origin can read its refusal, and nothing else.
    fn add_headers(
        &self,
        response: &mut Response,
        decision: OriginDecision,
        origin: Option<HeaderValue>,
    ) {
        let refusal = response
            .extensions()
            .get::<Problem>()
            .is_some_and(|problem| problem.kind() == ProblemKind::Origin);
        if self.policy.varies() || refusal {
            cors::vary(response);
        }
        match origin {
            Some(origin) if decision == OriginDecision::Allowed || refusal => {
                cors::share(response, origin);
            }
            _ => {}
        }
    }
}

/// Refuses a live stream to a page of a denied origin.
pub(super) fn check_stream(request: &Request) -> Result<(), Problem> {
    request
        .extensions()
        .get::<StreamRefusal>()
        .map_or(Ok(()), |refusal| Err(refusal.0.clone()))
}

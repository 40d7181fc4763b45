//! Who may call: every request passes here before it is routed.
//!
//! `policy` decides, without doing anything; here its decisions become answers, headers and log
//! lines.

mod cors;
mod host;
mod origin;
mod policy;
mod refusals;
mod told;

pub use host::{Host, InvalidHost};
pub use origin::{InvalidOrigin, Origin};
pub use policy::Exposure;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::protocol::problem::{Problem, ProblemKind};
use host::Authority;
use policy::{Caller, Demand, HostFault, Policy};
use told::{Log, Told};

/// A listener's door.
pub(super) struct Access {
    policy: Policy,
    told: Told,
}

/// Why the page that asks may not have a stream; a request carries it to the handler that would
/// open one.
#[derive(Clone, Debug)]
struct ForeignPage(Problem);

impl Access {
    /// The public listener's.
    pub(super) fn public(exposure: Exposure, hosts: Vec<Host>, origins: Vec<Origin>) -> Self {
        Self::new(Policy {
            exposure,
            demand: Demand::Always,
            hosts,
            origins,
        })
    }

    /// The admin listener's: no page of another origin has anything to do there.
    pub(super) fn admin(exposure: Exposure, hosts: Vec<Host>) -> Self {
        Self::new(Policy {
            exposure,
            demand: Demand::FromHttp11,
            hosts,
            origins: Vec::new(),
        })
    }

    fn new(policy: Policy) -> Self {
        Self {
            policy,
            told: Told::default(),
        }
    }

    /// Refuses who asked for another host, answers preflights, marks what another origin's pages
    /// may read, and hands all else to `inner`.
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
        let caller = self.policy.caller(origin.as_ref(), authority.as_ref());
        let preflight = cors::is_preflight(request.method(), request.headers());
        let mut response = match (caller, &origin) {
            (Caller::Admitted, _) if preflight => cors::answer_preflight(),
            (Caller::Foreign, Some(origin)) => {
                let problem = self.foreign(origin, authority.as_ref());
                if preflight {
                    problem.into_response()
                } else {
                    request.extensions_mut().insert(ForeignPage(problem));
                    inner(request).await
                }
            }
            _ => inner(request).await,
        };
        self.mark(&mut response, caller, origin);
        response
    }

    /// Refuses who asked for another host; that is all where no page of another origin is ever
    /// admitted.
    pub(super) fn check_host(&self, request: &Request) -> Result<(), Problem> {
        self.host(request).map(drop)
    }

    /// The host that a request names, if it names one and is served.
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

    /// Why a page of this origin may not do what only some may; an operator reads it once.
    fn foreign(&self, origin: &HeaderValue, asked: Option<&Authority>) -> Problem {
        self.log(
            &refusals::shown(origin),
            "pages of this origin are refused; http.origins lists those that may call",
        );
        refusals::origin(origin, asked, self.policy.exposure)
    }

    fn log(&self, caller: &str, message: &'static str) {
        let log = self.told.log(caller);
        if log != Log::No {
            tracing::warn!(caller, "{message}");
        }
        if log == Log::YesAndNoMore {
            tracing::warn!("many hosts and origins were refused: others are not logged any more");
        }
    }

    /// Marks who may read an answer. A page that is refused may read why, and nothing else.
    fn mark(&self, response: &mut Response, caller: Caller, origin: Option<HeaderValue>) {
        let refusal = response
            .extensions()
            .get::<Problem>()
            .is_some_and(|problem| problem.kind() == ProblemKind::Origin);
        if self.policy.varies() || refusal {
            cors::vary(response);
        }
        match origin {
            Some(origin) if caller == Caller::Admitted || refusal => cors::share(response, origin),
            _ => {}
        }
    }
}

/// Whether the page that asks, if it is one, may open a live stream.
pub(super) fn admit(request: &Request) -> Result<(), Problem> {
    request
        .extensions()
        .get::<ForeignPage>()
        .map_or(Ok(()), |foreign| Err(foreign.0.clone()))
}

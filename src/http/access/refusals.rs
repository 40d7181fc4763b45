//! The problems of a refused host or origin: each names the fault, and the setting that changes it.

use axum::http::HeaderValue;

use super::host::Authority;
use super::policy::{Exposure, HostFault};
use crate::http::refusal::malformed;
use crate::protocol::problem::{Problem, ProblemKind};

/// Bytes of a caller's header that an answer or the log repeats.
const REPEATED_MAX: usize = 200;

/// The refusal of a request whose host is not served.
pub(super) fn host(fault: &HostFault) -> Problem {
    match fault {
        HostFault::Missing => {
            malformed("The header Host is missing: send the name or address that you asked for.")
        }
        HostFault::Twice => malformed("The header Host is given twice: send it once."),
        HostFault::Invalid => {
            malformed("The header Host must be a name or an address, with or without a port.")
        }
        HostFault::Unknown(host) => Problem::new(
            ProblemKind::Host,
            format!(
                "This gateway is not called {host}. Ask it by its address or as localhost; if the \
                 name is its own, the operator adds it: http.hosts = [\"{host}\"] (or \
                 PEOPLE_GATEWAY__HTTP__HOSTS={host})."
            ),
        )
        .with("host", host.to_string())
        .with("setting", "http.hosts"),
    }
}

/// The refusal of a request with two `Origin` headers.
pub(super) fn origin_twice() -> Problem {
    malformed("The header Origin is given twice: send it once.")
}

/// The refusal of a page of another origin.
pub(super) fn origin(
    origin: &HeaderValue,
    asked: Option<&Authority>,
    exposure: Exposure,
) -> Problem {
    let origin = shown(origin);
    let detail = if origin == "null" {
        let where_to = match exposure {
            Exposure::Local => "from localhost, which needs no setting",
            Exposure::Network => "and list where it comes from in http.origins",
        };
        format!(
            "The page has no origin that could be listed: browsers send `null` for files, \
             sandboxed frames and some redirects. Serve it over HTTP (python3 -m http.server, for \
             instance), {where_to}."
        )
    } else {
        let asked = asked.map_or_else(|| "no host".to_owned(), ToString::to_string);
        format!(
            "Pages of the origin {origin} may not do this: the request went to {asked}. If the \
             page is yours, the operator lists it: http.origins = [\"{origin}\"] (or \
             PEOPLE_GATEWAY__HTTP__ORIGINS={origin}). If a proxy in between rewrites Host \
             (changeOrigin of a development server, nginx without proxy_set_header Host), let it \
             keep Host as the browser sent it."
        )
    };
    Problem::new(ProblemKind::Origin, detail)
        .with("origin", origin)
        .with("setting", "http.origins")
}

/// A header's value as answers and the log repeat it: cut, and UTF-8.
pub(super) fn shown(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    String::from_utf8_lossy(&bytes[..bytes.len().min(REPEATED_MAX)]).into_owned()
}

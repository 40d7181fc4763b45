//! Where a token stands in a request: in `Authorization` (RFC 6750, section 2.1), or in a browser's
//! WebSocket handshake, which can set no header, as the subprotocol `bearer.TOKEN`.

use axum::http::{HeaderMap, Uri, header};

use crate::http::refusal::malformed;
use crate::http::request::header_list::{listed, lists};
use crate::http::request::query;
use crate::protocol::problem::Problem;

/// The subprotocol's part before the token. It is never chosen or echoed.
const SUBPROTOCOL: &str = "bearer.";

/// What a request carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credential<'h> {
    /// A token.
    Token(&'h str),
    /// `Authorization` of another scheme than Bearer, or without a readable token.
    Unreadable,
    /// Nothing.
    None,
}

/// The one credential of a request; several are refused (RFC 6750, section 3.1), and so is a token
/// in the query, where logs would keep it.
pub(super) fn of<'h>(uri: &Uri, headers: &'h HeaderMap) -> Result<Credential<'h>, Problem> {
    if let Some(name) = query::credential(uri.query()) {
        return Err(query::misplaced_credential(name));
    }
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    let authorization = authorizations.next();
    let mut subprotocols = subprotocol_tokens(headers);
    let subprotocol = subprotocols.next();
    let count = [
        authorization.is_some(),
        authorizations.next().is_some(),
        subprotocol.is_some(),
        subprotocols.next().is_some(),
    ];
    if count.into_iter().filter(|given| *given).count() > 1 {
        return Err(malformed(
            "The request carries more than one credential: send one Authorization header, or one \
             subprotocol bearer.TOKEN.",
        ));
    }
    if let Some(token) = subprotocol {
        return Ok(Credential::Token(token));
    }
    let Some(value) = authorization else {
        return Ok(Credential::None);
    };
    let Ok(value) = value.to_str() else {
        return Ok(Credential::Unreadable);
    };
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Credential::Unreadable);
    }
    if token.is_empty() || token.contains([' ', '\t', ',']) {
        return Ok(Credential::Unreadable);
    }
    Ok(Credential::Token(token))
}

/// The tokens among the subprotocols of a WebSocket handshake.
fn subprotocol_tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let is_upgrade = lists(headers, &header::UPGRADE, "websocket");
    listed(headers, &header::SEC_WEBSOCKET_PROTOCOL)
        .filter(move |_| is_upgrade)
        .filter_map(|name| name.strip_prefix(SUBPROTOCOL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(fields: &[(&'static str, &'static str)], path: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().expect("a value"));
        }
        let found = of(&Uri::from_static(path), &headers).ok()?;
        Some(match found {
            Credential::Token(token) => token.to_owned(),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn a_token_stands_in_one_place() {
        const HEADER: &str = "authorization";
        const PROTOCOL: &str = "sec-websocket-protocol";
        const UPGRADE: (&str, &str) = ("upgrade", "websocket");
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(credential(&[], "/people"), some("None"));
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c"] {
            assert_eq!(credential(&[(HEADER, value)], "/"), some("a.b.c"));
        }
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer  a.b.c",
            "Bearer a b",
            "Basic YTpi",
            "",
        ] {
            assert_eq!(credential(&[(HEADER, value)], "/"), some("Unreadable"));
        }
        let twice = [(HEADER, "Bearer a.b.c"), (HEADER, "Bearer a.b.c")];
        assert_eq!(credential(&twice, "/"), None);
        let browser = [UPGRADE, (PROTOCOL, "people.v1.json, bearer.a.b.c")];
        assert_eq!(credential(&browser, "/updates"), some("a.b.c"));
        let no_upgrade = [(PROTOCOL, "people.v1.json, bearer.a.b.c")];
        assert_eq!(credential(&no_upgrade, "/updates"), some("None"));
        let two = [UPGRADE, (PROTOCOL, "bearer.a, people.v1.json, bearer.b")];
        assert_eq!(credential(&two, "/updates"), None);
        let both = [UPGRADE, (PROTOCOL, "bearer.a"), (HEADER, "Bearer a")];
        assert_eq!(credential(&both, "/updates"), None);
        for path in [
            "/people?token=a",
            "/people?x=1&access_token=a",
            "/updates?%6awt=a",
        ] {
            assert_eq!(credential(&[], path), None, "{path}");
        }
    }
}

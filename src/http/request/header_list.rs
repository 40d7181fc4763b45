//! Headers whose value is a list (RFC 9110, section 5.6.1).

use axum::http::{HeaderMap, HeaderName};

/// The comma-separated values of a header.
pub(in crate::http) fn listed<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'h str> {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Whether the comma-separated values of a header contain `token`, in any case.
pub(in crate::http) fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    listed(headers, name).any(|listed| listed.eq_ignore_ascii_case(token))
}

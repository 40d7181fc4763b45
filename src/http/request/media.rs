//! Media types and content codings: checks a body's `Content-Type`, and chooses an answer's type by
//! `Accept` and `Accept-Encoding`.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::protocol::problem::{Problem, ProblemKind};

pub(in crate::http) const JSON: &str = "application/json";
pub(in crate::http) const NDJSON: &str = "application/x-ndjson";
/// Other names of the same type.
const ND_JSON: &str = "application/ndjson";
const JSON_LINES: &str = "application/jsonl";
/// The types of an import's body.
pub(in crate::http) const LINES: &[&str] = &[NDJSON, ND_JSON, JSON_LINES];
pub(in crate::http) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(in crate::http) const EVENT_STREAM: &str = "text/event-stream";

/// The form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum ListFormat {
    /// One JSON array.
    Array,
    /// One person a line.
    Lines,
    /// Server-sent events.
    Events,
}

impl ListFormat {
    /// Each form with its media types. Where a caller prefers several alike, the first is sent.
    const ALL: [(Self, &'static str); 5] = [
        (Self::Array, JSON),
        (Self::Lines, NDJSON),
        (Self::Lines, ND_JSON),
        (Self::Lines, JSON_LINES),
        (Self::Events, EVENT_STREAM),
    ];

    /// The form that the caller prefers, and its media type; JSON where the caller accepts none of
    /// them or sends no `Accept`.
    pub(in crate::http) fn accepted(headers: &HeaderMap) -> (Self, &'static str) {
        let best = preferred(headers, &Self::ALL.map(|(_, media)| media)).unwrap_or_default();
        Self::ALL[best]
    }
}

/// The index of the type in `offered` that the caller prefers (RFC 9110, section 12.5.1). Of equal
/// weights the one named more exactly wins, then the first. None where the caller accepts none.
pub(in crate::http) fn preferred(headers: &HeaderMap, offered: &[&str]) -> Option<usize> {
    let ranges = preferences(headers, header::ACCEPT);
    let mut best = (None, (0.0, 0));
    for (index, media) in offered.iter().enumerate() {
        let quality = quality(&ranges, media);
        if quality > best.1 && quality.0 > 0.0 {
            best = (Some(index), quality);
        }
    }
    best.0
}

/// Whether the caller accepts gzip (RFC 9110, section 12.5.3).
pub(in crate::http) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let codings = preferences(headers, header::ACCEPT_ENCODING);
    let weight = |coding: &str| {
        codings
            .iter()
            .find(|(name, _)| name == coding)
            .map(|(_, weight)| *weight)
    };
    weight("gzip")
        .or_else(|| weight("*"))
        .is_some_and(|weight| weight > 0.0)
}

/// The items of a header that lists preferences.
fn preferences(headers: &HeaderMap, name: HeaderName) -> Vec<(String, f32)> {
    let values = headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(preference)
        .collect()
}

/// An item in lower case, without parameters, and its weight.
fn preference(text: &str) -> (String, f32) {
    let mut parts = text.split(';');
    let media = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let weight = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .and_then(|(_, value)| value.trim().parse::<f32>().ok())
        .filter(|weight| (0.0..=1.0).contains(weight))
        .unwrap_or(1.0);
    (media, weight)
}

/// The weight of the most exact range that covers `media`, and how exact that range is (0 to 3).
fn quality(ranges: &[(String, f32)], media: &str) -> (f32, u8) {
    let group = media.split('/').next().unwrap_or_default();
    let exactness = |range: &str| match range.split_once('/') {
        _ if range == media => 3,
        Some((main, "*")) if main == group => 2,
        Some(("*", "*")) => 1,
        _ => 0,
    };
    ranges
        .iter()
        .map(|(range, weight)| (*weight, exactness(range)))
        .filter(|(_, exactness)| *exactness > 0)
        .max_by_key(|(_, exactness)| *exactness)
        .unwrap_or((0.0, 0))
}

/// Checks that a body has one of the types `taken`, is in UTF-8 and is not compressed; refuses it
/// with 415 otherwise.
pub(in crate::http) fn check_body(
    headers: &HeaderMap,
    taken: &'static [&'static str],
) -> Result<(), Problem> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .map(String::from_utf8_lossy);
    let listed = taken.join(" or ");
    let Some(given) = given else {
        return Err(Problem::new(
            ProblemKind::MediaType,
            format!("Send the header Content-Type: {listed}."),
        ));
    };
    let mut parts = given.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let charset = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, charset)| charset);
    if !taken.iter().any(|taken| taken.eq_ignore_ascii_case(media)) {
        return Err(Problem::new(
            ProblemKind::MediaType,
            format!("The body must be {listed}, not {media:.100}."),
        ));
    }
    if charset.is_some_and(|charset| !is_utf_8(charset)) {
        return Err(Problem::new(
            ProblemKind::MediaType,
            "The body must be in UTF-8.",
        ));
    }
    match headers.get(header::CONTENT_ENCODING) {
        Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => Err(Problem::new(
            ProblemKind::MediaType,
            "The body must not be compressed: leave Content-Encoding out.",
        )),
        _ => Ok(()),
    }
}

/// Whether a charset is UTF-8, in any spelling: `utf-8`, `UTF8`, `"utf_8"`.
fn is_utf_8(charset: &str) -> bool {
    let letters = charset
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase());
    letters.eq("utf8".chars())
        && charset
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || " -_\"'".contains(letter))
}

/// The header of a 415 that lists `taken`: `Accept-Post` or `Accept-Patch`.
pub(in crate::http) fn accept_header(
    name: &'static str,
    taken: &'static [&'static str],
) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::try_from(taken.join(", ")).expect("media types are visible ASCII");
    (HeaderName::from_static(name), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_gets_the_form_that_it_prefers_and_json_otherwise() {
        for (accept, format) in [
            ("", ListFormat::Array),
            ("*/*", ListFormat::Array),
            ("text/html", ListFormat::Array),
            ("application/json", ListFormat::Array),
            ("application/x-ndjson", ListFormat::Lines),
            ("Application/X-NDJSON; q=0.5", ListFormat::Lines),
            ("application/x-ndjson, */*", ListFormat::Lines),
            ("application/json, application/x-ndjson", ListFormat::Array),
            (
                "application/json;q=0.5, application/x-ndjson;q=0.6",
                ListFormat::Lines,
            ),
            ("application/json;q=0, */*", ListFormat::Lines),
            ("application/x-ndjson;q=0", ListFormat::Array),
            ("application/ndjson", ListFormat::Lines),
            (
                "application/jsonl, application/json;q=0.1",
                ListFormat::Lines,
            ),
            ("text/event-stream", ListFormat::Events),
            (
                "text/html, application/xhtml+xml, */*;q=0.8",
                ListFormat::Array,
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().expect("a value"));
            assert_eq!(ListFormat::accepted(&headers).0, format, "{accept}");
        }
        assert_eq!(
            ListFormat::accepted(&HeaderMap::new()),
            (ListFormat::Array, JSON)
        );
    }

    #[test]
    fn utf_8_is_recognised_in_any_spelling_and_no_other_charset_is() {
        for charset in [
            "utf-8",
            "UTF-8",
            "utf8",
            "Utf8",
            "utf_8",
            "\"utf-8\"",
            "'UTF8'",
            " utf-8 ",
        ] {
            assert!(is_utf_8(charset), "{charset}");
        }
        for charset in [
            "", "utf-16", "latin1", "utf-80", "utf-8x", "utf.8", "us-ascii",
        ] {
            assert!(!is_utf_8(charset), "{charset}");
        }
    }

    #[test]
    fn gzip_is_sent_to_clients_that_accept_it() {
        for (accept, accepts) in [
            ("gzip, deflate, br, zstd", true),
            ("deflate, GZIP;q=0.1", true),
            ("*", true),
            ("br, *;q=0.5", true),
            ("", false),
            ("identity", false),
            ("br", false),
            ("gzip;q=0", false),
            ("gzip; q=0.0, *", false),
            ("*;q=0", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT_ENCODING, accept.parse().expect("a value"))]);
            assert_eq!(accepts_gzip(&headers), accepts, "{accept}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}

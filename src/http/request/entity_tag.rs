//! The entity tags of a GET's `If-None-Match` (RFC 9110, section 13.1.2).

use axum::http::{HeaderMap, header};

/// Whether `If-None-Match` names `tag`, which has no quotes here. The header holds `*` or any
/// number of tags; weak and strong ones match alike.
pub(in crate::http) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let names = |value: &str| {
        value.trim() == "*"
            || value
                .split('"')
                .skip(1)
                .step_by(2)
                .any(|named| named == tag)
    };
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_of_a_get_is_a_list_compared_weakly() {
        let knows = |value: &str| {
            let headers =
                HeaderMap::from_iter([(header::IF_NONE_MATCH, value.parse().expect("a value"))]);
            is_known(&headers, "a.1.b")
        };
        assert!(
            knows("*")
                && knows("\"a.1.b\"")
                && knows("W/\"a.1.b\"")
                && knows("\"x\", W/\"a.1.b\", \"y\"")
        );
        assert!(!knows("\"a.1.c\"") && !knows("a.1.b") && !knows("\"*\""));
        assert!(!is_known(&HeaderMap::new(), "a.1.b"));
    }
}

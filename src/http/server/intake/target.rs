//! Encodes the characters that a URL must not hold raw in the target of a request: filters consist
//! of them, and people type filters into address bars and shells.

use std::ops::Range;

/// The digits of percent-encoding.
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Whether a byte must be encoded (RFC 3986, section 2): it is neither reserved nor unreserved, or
/// not ASCII. Brackets stay raw, since every reader accepts them. A number sign would begin a
/// fragment, which no request has. A blank ends the target, and control characters make the request
/// malformed.
fn must_be_encoded(byte: u8) -> bool {
    matches!(
        byte,
        b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
    ) || !byte.is_ascii()
}

/// The range of the target in a request's first line.
pub(super) fn of_line(line: &[u8]) -> Option<Range<usize>> {
    let blank = |byte: &u8| *byte == b' ';
    let (first, last) = (line.iter().position(blank)?, line.iter().rposition(blank)?);
    (first < last).then(|| first + 1..last)
}

/// The target with those characters encoded; none where it has none of them.
pub(super) fn encoded(target: &[u8]) -> Option<Vec<u8>> {
    let wrong = target.iter().filter(|byte| must_be_encoded(**byte)).count();
    if wrong == 0 {
        return None;
    }
    let mut out = Vec::with_capacity(target.len() + 2 * wrong);
    for byte in target {
        if must_be_encoded(*byte) {
            out.extend([
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]);
        } else {
            out.push(*byte);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_a_url_must_not_hold_are_encoded_and_all_others_stay() {
        for (raw, expected) in [
            (
                "/people?where=age>18&&job!=\"x\"",
                "/people?where=age%3E18&&job!=%22x%22",
            ),
            (
                "/a?b={c|d}^e<f`g\\h#i",
                "/a?b=%7Bc%7Cd%7D%5Ee%3Cf%60g%5Ch%23i",
            ),
            ("/ü", "/%C3%BC"),
        ] {
            assert_eq!(
                encoded(raw.as_bytes()).as_deref(),
                Some(expected.as_bytes()),
                "{raw}"
            );
        }
        for same in [
            "/people?where=age%20%3E+18",
            "/a[1]?b=[\"".trim_end_matches('"'),
            "*",
            "/%zz%",
            "/~a-b_c.d!$&'()*+,;=:@",
        ] {
            assert_eq!(encoded(same.as_bytes()), None, "{same}");
        }
        assert_eq!(encoded(b"/\xff").as_deref(), Some(&b"/%FF"[..]));
    }

    #[test]
    fn the_target_is_between_the_first_blank_and_the_last() {
        assert_eq!(of_line(b"GET /a HTTP/1.1"), Some(4..6));
        assert_eq!(of_line(b"GET /a b HTTP/1.1"), Some(4..8));
        assert_eq!(of_line(b"GET /a"), None);
        assert_eq!(of_line(b"GET"), None);
    }
}

//! The encoding of a file: by its byte order mark, else by the user's choice, else UTF-8.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// The file has another encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EncodingError {
    /// The encoding has no characters for these bytes.
    #[error("line {line} is not {name}: {}", hint(name))]
    Bytes {
        /// The line of the bytes.
        line: u64,
        /// The encoding's name.
        name: &'static str,
    },
    /// The file looks like UTF-16 without a byte order mark.
    #[error(
        "this looks like UTF-16 without a byte order mark: every second byte of its first line is \
         zero. If it is, say --encoding {0}"
    )]
    Utf16(&'static str),
    /// The file is UTF-32, which browsers don't read either.
    #[error("this is UTF-32: convert it first, for example with iconv -f UTF-32 -t UTF-8")]
    Utf32,
}

/// The encoding with this name, as browsers know it (encoding.spec.whatwg.org).
pub(super) fn named(label: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| {
        "no encoding has that name: try windows-1252 (Western Europe), windows-1250, iso-8859-2, \
         shift_jis, gb18030, euc-kr or utf-16le"
            .to_owned()
    })
}

/// The encoding of a file by its first bytes, and the length of its byte order mark.
pub(super) fn of(
    begin: &[u8],
    chosen: Option<&'static Encoding>,
) -> Result<(&'static Encoding, usize), EncodingError> {
    if begin.starts_with(b"\xFF\xFE\0\0") || begin.starts_with(b"\0\0\xFE\xFF") {
        return Err(EncodingError::Utf32);
    }
    if let Some(marked) = Encoding::for_bom(begin) {
        return Ok(marked);
    }
    let encoding = chosen.unwrap_or(UTF_8);
    // In UTF-16 each separator of the first line is an ASCII byte and a zero. Headings and JSON in
    // other encodings have no zeros.
    let line = begin
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(begin, |end| &begin[..end]);
    let zeros = |first: usize| {
        line.iter()
            .skip(first)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    match (zeros(0), zeros(1)) {
        _ if encoding == UTF_16LE || encoding == UTF_16BE => Ok((encoding, 0)),
        (0, 0) => Ok((encoding, 0)),
        (even, odd) if even > odd => Err(EncodingError::Utf16("utf-16be")),
        _ => Err(EncodingError::Utf16("utf-16le")),
    }
}

fn hint(name: &str) -> &'static str {
    if name == UTF_8.name() {
        "name the encoding of the file, for example --encoding windows-1252"
    } else {
        "does the file have another encoding?"
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;

    use super::*;

    #[test]
    fn a_byte_order_mark_overrides_the_users_choice() {
        for (begin, chosen, expected) in [
            (&b"id,x\n"[..], None, (UTF_8, 0)),
            (b"", None, (UTF_8, 0)),
            (b"\xEF\xBB\xBFid", None, (UTF_8, 3)),
            (b"\xEF\xBB\xBFid", Some(WINDOWS_1252), (UTF_8, 3)),
            (b"\xFF\xFEi\0", None, (UTF_16LE, 2)),
            (b"\xFE\xFF\0i", Some(UTF_8), (UTF_16BE, 2)),
            (b"\xC5,x\n", Some(WINDOWS_1252), (WINDOWS_1252, 0)),
            (b"i\0d\0", Some(UTF_16LE), (UTF_16LE, 0)),
            // Zeros after the first line are part of people's texts.
            (b"id,x\n\0,\0\n", None, (UTF_8, 0)),
        ] {
            assert_eq!(of(begin, chosen), Ok(expected), "{begin:?}");
        }
    }

    #[test]
    fn utf_16_without_a_mark_and_utf_32_are_recognised() {
        let utf_16 = |text: &str, to_bytes: fn(u16) -> [u8; 2]| {
            text.encode_utf16().flat_map(to_bytes).collect::<Vec<_>>()
        };
        for text in ["id,firstName\r\n", "名前,歳\n太郎,1\n", "{\"a\":1}"] {
            assert_eq!(
                of(&utf_16(text, u16::to_le_bytes), None),
                Err(EncodingError::Utf16("utf-16le")),
                "{text}"
            );
            let big = of(&utf_16(text, u16::to_be_bytes), Some(WINDOWS_1252));
            assert_eq!(big, Err(EncodingError::Utf16("utf-16be")), "{text}");
        }
        for begin in [b"\xFF\xFE\0\0i\0\0\0", b"\0\0\xFE\xFF\0\0\0i"] {
            assert_eq!(of(begin, None), Err(EncodingError::Utf32));
        }
    }

    #[test]
    fn encodings_have_the_names_that_browsers_know() {
        for label in [
            "windows-1252",
            "CP1252",
            "latin1",
            "shift_jis",
            "utf-16le",
            "UTF-8",
            " gbk ",
        ] {
            assert!(named(label).is_ok(), "{label}");
        }
        for label in ["", "ebcdic", "utf-7", "iso-2022-kr", "replacement"] {
            assert!(named(label).is_err(), "{label}");
        }
    }
}

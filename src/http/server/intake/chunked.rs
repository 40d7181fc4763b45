//! Finds the end of a chunked body (RFC 9112, section 7.1) without reading its content.

/// The state of a chunked body while its bytes pass. The check is strict: any deviation from the
/// RFC is [`ChunkedBody::Malformed`], and its end is unknown. hyper refuses that body, or accepts
/// it and finds the end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkedBody {
    /// In the size of a chunk, after some digits.
    Size {
        /// How many digits.
        digits: u8,
        /// The size so far, in bytes.
        value: u64,
    },
    /// In a chunk's extensions.
    Extension {
        /// The size of the chunk, in bytes.
        value: u64,
    },
    /// Before the line feed that ends a chunk's first line.
    SizeEnd {
        /// The size of the chunk, in bytes.
        value: u64,
    },
    /// Before so many bytes of a chunk's data and the carriage return after them.
    Data {
        /// The bytes of data that are left.
        left: u64,
    },
    /// Before the line feed after a chunk's data.
    DataEnd,
    /// At the beginning of a line after the last chunk.
    TrailerStart,
    /// In a trailer.
    Trailer,
    /// Before the line feed that ends a trailer.
    TrailerEnd,
    /// Before the last line feed.
    End,
    /// The body has ended.
    Complete,
    /// The body is malformed, and its end is unknown.
    Malformed,
}

/// The most hexadecimal digits of a size: they fit 64 bits.
const DIGITS_MAX: u8 = 16;

impl ChunkedBody {
    /// Before the first byte.
    pub const START: Self = Self::Size {
        digits: 0,
        value: 0,
    };

    /// Takes the bytes of the body at the front of `bytes`; returns how many they are.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && !matches!(self, Self::Complete | Self::Malformed) {
            if let Self::Data { left } = self
                && *left > 0
            {
                let there = bytes.len() - at;
                let skipped = usize::try_from(*left).map_or(there, |left| left.min(there));
                *left -= skipped as u64;
                at += skipped;
            } else {
                *self = self.after(bytes[at]);
                at += 1;
            }
        }
        at
    }

    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Size { digits, value }, byte)
                if byte.is_ascii_hexdigit() && digits < DIGITS_MAX =>
            {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                Self::Size {
                    digits: digits + 1,
                    value: value << 4 | digit,
                }
            }
            (Self::Size { digits: 1.., value } | Self::Extension { value }, b'\r') => {
                Self::SizeEnd { value }
            }
            (Self::Size { digits: 1.., value }, b';' | b' ' | b'\t') => Self::Extension { value },
            (Self::Extension { value }, byte) if byte != b'\n' => Self::Extension { value },
            (Self::SizeEnd { value: 0 } | Self::TrailerEnd, b'\n') => Self::TrailerStart,
            (Self::SizeEnd { value }, b'\n') => Self::Data { left: value },
            (Self::Data { left: 0 }, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::START,
            (Self::TrailerStart, b'\r') => Self::End,
            (Self::Trailer, b'\r') => Self::TrailerEnd,
            (Self::TrailerStart | Self::Trailer, byte) if byte != b'\n' => Self::Trailer,
            (Self::End, b'\n') => Self::Complete,
            _ => Self::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_has_the_same_end_in_any_pieces() {
        for body in [
            "0\r\n\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            "00A;x=\"y\"\r\n0\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
            "1 \r\n\r\r\n0\r\na: b\r\nc: d\r\n\r\n",
        ] {
            let all = format!("{body}GET / HTTP/1.1\r\n");
            for piece in 1..=all.len() {
                let (mut state, mut taken) = (ChunkedBody::START, 0);
                for bytes in all.as_bytes().chunks(piece) {
                    taken += state.take(bytes);
                }
                assert_eq!(
                    (state, taken),
                    (ChunkedBody::Complete, body.len()),
                    "{body:?} in pieces of {piece}"
                );
            }
        }
    }

    #[test]
    fn a_malformed_body_is_reported() {
        for body in [
            "\r\n",
            "x\r\n",
            "1\nab\r\n",
            "1\r\nab\r\n",
            "1\r\na\n",
            "0\r\n\n",
            "0\r\na\n",
            "0;\n",
            "11111111111111111\r\n",
            "0\r\n\rx",
        ] {
            let mut state = ChunkedBody::START;
            state.take(body.as_bytes());
            assert_eq!(state, ChunkedBody::Malformed, "{body:?}");
        }
        let mut largest = ChunkedBody::START;
        largest.take(b"ffffffffffffffff\r\nabc");
        assert_eq!(largest, ChunkedBody::Data { left: u64::MAX - 3 });
    }
}

//! Where a chunked body ends (RFC 9112, section 7.1), without a look at what is in it.

/// A chunked body as its bytes pass. Strict: what is not written exactly as the RFC has it is
/// [`Chunks::Lost`], where the end is not known; the HTTP library refuses such a body or is more
/// patient with it, and either is its own affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// In the size of a chunk, of which some digits were read.
    Size { digits: u8, value: u64 },
    /// In a chunk's extensions.
    Extension { value: u64 },
    /// Before the line feed that ends a chunk's first line.
    SizeEnd { value: u64 },
    /// Before so many bytes of a chunk's data, and the carriage return behind it.
    Data { left: u64 },
    /// Before the line feed behind a chunk's data.
    DataEnd,
    /// At the beginning of a line behind the last chunk.
    TrailerStart,
    /// In a trailer.
    Trailer,
    /// Before the line feed that ends a trailer.
    TrailerEnd,
    /// Before the last line feed.
    End,
    /// Behind the body.
    Over,
    /// The end is not known.
    Lost,
}

/// Hexadecimal digits of a size that fits 64 bits.
const DIGITS_MAX: u8 = 16;

impl Chunks {
    /// Before the first byte.
    pub(super) const START: Self = Self::Size {
        digits: 0,
        value: 0,
    };

    /// Takes the bytes of the body from the front of `bytes`, and tells how many there are.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && !matches!(self, Self::Over | Self::Lost) {
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
            (Self::End, b'\n') => Self::Over,
            _ => Self::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_however_the_bytes_arrive() {
        for body in [
            "0\r\n\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            "00A;x=\"y\"\r\n0\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
            "1 \r\n\r\r\n0\r\na: b\r\nc: d\r\n\r\n",
        ] {
            let all = format!("{body}GET / HTTP/1.1\r\n");
            for piece in 1..=all.len() {
                let (mut chunks, mut taken) = (Chunks::START, 0);
                for bytes in all.as_bytes().chunks(piece) {
                    taken += chunks.take(bytes);
                }
                assert_eq!(
                    (chunks, taken),
                    (Chunks::Over, body.len()),
                    "{body:?} in pieces of {piece}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_written_like_that_is_given_up() {
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
            let mut chunks = Chunks::START;
            chunks.take(body.as_bytes());
            assert_eq!(chunks, Chunks::Lost, "{body:?}");
        }
        let mut largest = Chunks::START;
        largest.take(b"ffffffffffffffff\r\nabc");
        assert_eq!(largest, Chunks::Data { left: u64::MAX - 3 });
    }
}

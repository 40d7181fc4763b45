//! Reads a file as text, piece by piece, in any encoding. It guesses and replaces nothing: bytes
//! that are no text end the file, with their line.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context as _;
use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::encoding::{self, EncodingError};

/// The bytes of one read.
const PIECE_BYTES: usize = 64 * 1024;
/// The bytes that determine the encoding.
const SAMPLE_BYTES: usize = 4096;

/// A file, or standard input.
pub(super) struct TextSource {
    reader: Box<dyn Read + Send>,
    chosen: Option<&'static Encoding>,
    /// `None` before the first piece.
    decoder: Option<Decoder>,
    bytes: Vec<u8>,
    text: String,
    /// The end of the file, or the fault that ends it.
    end: Option<Result<(), EncodingError>>,
    lines: LineCounter,
    read: u64,
    /// The file's size in bytes, if known.
    pub(super) size: Option<u64>,
}

/// Counts the lines of a text.
struct LineCounter {
    /// The current line, from 1.
    line: u64,
    /// Whether the text ends with a CR.
    after_cr: bool,
}

impl TextSource {
    /// Opens a file; `-` is standard input. A byte order mark overrides the chosen encoding.
    pub(super) fn open(path: &Path, chosen: Option<&'static Encoding>) -> anyhow::Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::of(Box::new(io::stdin()), chosen));
        }
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let metadata = file
            .metadata()
            .with_context(|| format!("cannot look at {}", path.display()))?;
        let size = metadata.is_file().then_some(metadata.len());
        Ok(Self {
            size,
            ..Self::of(Box::new(file), chosen)
        })
    }

    pub(super) fn of(reader: Box<dyn Read + Send>, chosen: Option<&'static Encoding>) -> Self {
        let lines = LineCounter {
            line: 1,
            after_cr: false,
        };
        let (bytes, text) = (vec![0; PIECE_BYTES], String::new());
        Self {
            reader,
            chosen,
            decoder: None,
            bytes,
            text,
            end: None,
            lines,
            read: 0,
            size: None,
        }
    }

    /// The bytes read so far.
    pub(super) const fn read(&self) -> u64 {
        self.read
    }

    /// The next piece of text, without a byte order mark at its start; `None` at the end.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<&str>> {
        self.text.clear();
        while self.text.is_empty() {
            match self.end.clone() {
                Some(end) => return Ok(end.map(|()| None)?),
                None => self.fill()?,
            }
        }
        self.lines.pass(&self.text);
        Ok(Some(&self.text))
    }

    /// Reads and decodes a piece.
    fn fill(&mut self) -> anyhow::Result<()> {
        let wanted = if self.decoder.is_none() {
            SAMPLE_BYTES
        } else {
            1
        };
        let (mut filled, mut over) = (0, false);
        while filled < wanted && !over {
            match self.reader.read(&mut self.bytes[filled..]) {
                Ok(0) => over = true,
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("cannot read the file"),
            }
        }
        self.read += filled as u64;
        let mut bytes = &self.bytes[..filled];
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            none => {
                let (encoding, mark) = encoding::of(bytes, self.chosen)?;
                bytes = &bytes[mark..];
                none.insert(encoding.new_decoder_without_bom_handling())
            }
        };
        let room = decoder
            .max_utf8_buffer_length_without_replacement(bytes.len())
            .context("the piece is too long")?;
        self.text.reserve(room);
        let (outcome, _) =
            decoder.decode_to_string_without_replacement(bytes, &mut self.text, over);
        self.end = match outcome {
            DecoderResult::Malformed(..) => {
                let line = self.lines.after(&self.text);
                Some(Err(EncodingError::Bytes {
                    line,
                    name: decoder.encoding().name(),
                }))
            }
            DecoderResult::InputEmpty | DecoderResult::OutputFull => over.then_some(Ok(())),
        };
        Ok(())
    }
}

impl LineCounter {
    /// Moves past a text. Lines end with LF, CRLF or CR.
    fn pass(&mut self, text: &str) {
        self.line = self.after(text);
        self.after_cr = text.ends_with('\r');
    }

    /// The line after a text.
    fn after(&self, text: &str) -> u64 {
        let mut after_cr = self.after_cr;
        let ends = text.bytes().filter(|byte| {
            let ends = *byte == b'\r' || *byte == b'\n' && !after_cr;
            after_cr = *byte == b'\r';
            ends
        });
        self.line + ends.count() as u64
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{SHIFT_JIS, UTF_16LE};

    use super::*;

    /// Returns at most this number of bytes per read.
    struct SlowFile(io::Cursor<Vec<u8>>, usize);

    impl Read for SlowFile {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let most = bytes.len().min(self.1);
            self.0.read(&mut bytes[..most])
        }
    }

    /// The text of a file, and the error that ended it.
    fn text(
        bytes: &[u8],
        at_once: usize,
        chosen: Option<&'static Encoding>,
    ) -> (String, Option<String>) {
        let file = SlowFile(io::Cursor::new(bytes.to_vec()), at_once);
        let (mut source, mut text) = (TextSource::of(Box::new(file), chosen), String::new());
        loop {
            match source.next() {
                Ok(Some(piece)) => text.push_str(piece),
                Ok(None) => {
                    assert!(
                        source.next().unwrap().is_none() && source.read() == bytes.len() as u64
                    );
                    return (text, None);
                }
                Err(error) => return (text, Some(error.to_string())),
            }
        }
    }

    #[test]
    fn a_file_is_the_same_text_in_any_encoding_and_any_pieces() {
        let whole = format!("id,name\r\n1,東京 Größe {}\n", "x".repeat(2 * PIECE_BYTES));
        let utf_16 = |to_bytes: fn(u16) -> [u8; 2]| {
            "\u{feff}"
                .encode_utf16()
                .chain(whole.encode_utf16())
                .flat_map(to_bytes)
                .collect::<Vec<_>>()
        };
        let (little, big) = (utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes));
        let japanese = whole.replace("öß", "");
        for at_once in [1, 7, 10_000, usize::MAX] {
            for (bytes, chosen) in [
                (whole.as_bytes(), None),
                (&[b"\xEF\xBB\xBF", whole.as_bytes()].concat(), None),
                (&little, None),
                (&big, None),
                (&little[2..], Some(UTF_16LE)),
            ] {
                assert_eq!(text(bytes, at_once, chosen), (whole.clone(), None));
            }
            let bytes = SHIFT_JIS.encode(&japanese).0;
            assert_eq!(
                text(&bytes, at_once, Some(SHIFT_JIS)),
                (japanese.clone(), None)
            );
            assert_eq!(text(b"", at_once, None), (String::new(), None));
        }
    }

    #[test]
    fn bytes_that_are_no_text_end_a_file_with_their_line() {
        for at_once in [1, 3, usize::MAX] {
            for (bytes, before, line) in [
                (&b"Gr\xF6\xDFe,b\n"[..], "Gr", 1),
                (b"a,b\r\n1,2\r\n3,\xE5", "a,b\r\n1,2\r\n3,", 3),
                (b"a\rb\r\r\n\n\xFF\n", "a\rb\r\r\n\n", 5),
                (b"a\n\xC3", "a\n", 2),
            ] {
                let (text, error) = text(bytes, at_once, None);
                assert_eq!(text, before);
                let error = error.expect("it ends");
                assert!(
                    error.starts_with(&format!("line {line} is not UTF-8: ")),
                    "{error}"
                );
                assert!(error.contains("--encoding"), "{error}");
            }
            let odd = text(b"\xFF\xFEa\0\n\0b", at_once, None);
            assert_eq!(
                (
                    odd.0.as_str(),
                    odd.1.unwrap().starts_with("line 2 is not UTF-16LE")
                ),
                ("a\n", true)
            );
        }
    }
}

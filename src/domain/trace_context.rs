//! The piece of work that a change belongs to: a span, as W3C Trace Context names it.
//!
//! The header `traceparent` of a request and the frame of a change hold the same text:
//! <https://www.w3.org/TR/trace-context/#traceparent-header>.

use std::fmt;
use std::str::FromStr;

/// A span that others can refer to. Neither of its ids is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    sampled: bool,
}

/// A text that is no `traceparent`, or an id that is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent")]
pub struct InvalidTraceContext;

/// The length of a `traceparent` of version 00.
const LENGTH: usize = 55;
/// The bit of the flags that says that the span is recorded.
const SAMPLED: u8 = 1;

impl TraceContext {
    /// The span of these ids; `sampled` when it is recorded, so that those that come after it
    /// should be too.
    pub fn new(
        trace_id: [u8; 16],
        span_id: [u8; 8],
        sampled: bool,
    ) -> Result<Self, InvalidTraceContext> {
        if trace_id == [0; 16] || span_id == [0; 8] {
            return Err(InvalidTraceContext);
        }
        Ok(Self {
            trace_id,
            span_id,
            sampled,
        })
    }

    /// The id of the whole trace.
    pub const fn trace_id(self) -> [u8; 16] {
        self.trace_id
    }

    /// The id of the span.
    pub const fn span_id(self) -> [u8; 8] {
        self.span_id
    }

    /// Whether the span is recorded.
    pub const fn is_sampled(self) -> bool {
        self.sampled
    }

    /// The trace's id alone, as tools that show traces look it up: 32 hexadecimal digits.
    pub fn trace(self) -> impl fmt::Display {
        Hex(self.trace_id)
    }
}

struct Hex<const N: usize>([u8; N]);

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Writes a `traceparent` of version 00.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{}-{}-{:02x}",
            Hex(self.trace_id),
            Hex(self.span_id),
            u8::from(self.sampled)
        )
    }
}

/// Reads a `traceparent`. One of a later version is read as far as version 00 goes, as the
/// specification has it; what follows must be set apart by a dash.
impl FromStr for TraceContext {
    type Err = InvalidTraceContext;

    fn from_str(text: &str) -> Result<Self, InvalidTraceContext> {
        let bytes = text.as_bytes();
        let (known, rest) = bytes.split_at_checked(LENGTH).ok_or(InvalidTraceContext)?;
        let [version] = hex(&known[..2])?;
        let ends_well = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.first().is_none_or(|byte| *byte == b'-'),
        };
        if !ends_well || [2, 35, 52].iter().any(|dash| known[*dash] != b'-') {
            return Err(InvalidTraceContext);
        }
        let [flags] = hex(&known[53..])?;
        Self::new(
            hex(&known[3..35])?,
            hex(&known[36..52])?,
            flags & SAMPLED != 0,
        )
    }
}

/// Reads lower-case digits, two a byte; others are not allowed.
fn hex<const N: usize>(digits: &[u8]) -> Result<[u8; N], InvalidTraceContext> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(InvalidTraceContext),
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn read(text: &str) -> Result<TraceContext, InvalidTraceContext> {
        text.parse()
    }

    #[test]
    fn a_traceparent_reads_back_as_it_was_written() {
        for flags in ["00", "01"] {
            let text = format!("00-{TRACE}-{SPAN}-{flags}");
            let context = read(&text).unwrap();
            assert_eq!(
                (context.to_string(), context.is_sampled()),
                (text, flags == "01")
            );
            assert_eq!(context.trace().to_string(), TRACE);
        }
    }

    #[test]
    fn unknown_flags_and_versions_are_ignored() {
        let known = read(&format!("00-{TRACE}-{SPAN}-01"));
        assert!(known.is_ok());
        for text in [
            format!("00-{TRACE}-{SPAN}-ff"),
            format!("cc-{TRACE}-{SPAN}-01"),
            format!("01-{TRACE}-{SPAN}-01-what-the-future-brings"),
        ] {
            assert_eq!(read(&text), known, "{text}");
        }
        assert!(!read(&format!("00-{TRACE}-{SPAN}-fe")).unwrap().is_sampled());
    }

    #[test]
    fn a_malformed_traceparent_is_refused() {
        let zero = "0".repeat(32);
        for text in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-01 "),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("01-{TRACE}-{SPAN}-01more"),
            format!("00-{zero}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zero[..16]),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00_{TRACE}-{SPAN}-01"),
            format!("0g-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-0ä"),
        ] {
            assert_eq!(read(&text), Err(InvalidTraceContext), "{text}");
        }
    }
}

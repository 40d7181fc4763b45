//! A change that the baseline owes its clients.

use people_bench::person::SEQUENCE_DIGITS;

/// A change that the baseline owes its clients.
pub(super) struct DueChange {
    pub(super) topic: Option<u32>,
    /// The digits of the sequence number.
    pub(super) sequence: [u8; SEQUENCE_DIGITS],
}

impl DueChange {
    /// The change of a text with a person in it, whose job has the sequence number.
    pub(super) fn of(text: &[u8], topic: Option<u32>) -> Option<Self> {
        let hash = text.iter().rposition(|byte| *byte == b'#')?;
        Some(Self {
            topic,
            sequence: *text[hash + 1..].first_chunk()?,
        })
    }
}

/// The number after the first `name` in a text.
pub(super) fn number_after(name: &[u8], text: &[u8]) -> Option<u32> {
    let at = text.windows(name.len()).position(|window| window == name)? + name.len();
    let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

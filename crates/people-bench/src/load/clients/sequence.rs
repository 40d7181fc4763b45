//! Finds sequence numbers of changes in a stream of bytes: `#` and ten digits, across any pieces.

use people_bench::person::SEQUENCE_DIGITS;

/// A scan for sequence numbers, with the state between two pieces.
#[derive(Debug, Default)]
pub(super) struct SequenceScanner(Option<PartialNumber>);

/// A `#`, and the digits after it so far.
#[derive(Debug, Default)]
struct PartialNumber {
    digits: usize,
    number: u64,
}

impl SequenceScanner {
    /// Appends the numbers that end in these bytes.
    pub(super) fn scan(&mut self, mut bytes: &[u8], numbers: &mut Vec<u64>) {
        loop {
            let Some(partial) = &mut self.0 else {
                let Some(hash) = bytes.iter().position(|byte| *byte == b'#') else {
                    return;
                };
                bytes = &bytes[hash + 1..];
                self.0 = Some(PartialNumber::default());
                continue;
            };
            let Some((first, rest)) = bytes.split_first() else {
                return;
            };
            if !first.is_ascii_digit() {
                self.0 = None;
                continue;
            }
            bytes = rest;
            partial.number = partial.number * 10 + u64::from(first - b'0');
            partial.digits += 1;
            if partial.digits == SEQUENCE_DIGITS {
                numbers.push(partial.number);
                self.0 = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_numbers_are_found_across_any_pieces() {
        let stream = b"a #0000000012, ## #123 #00000000345x #000000000 #0000000006";
        for size in 1..=stream.len() {
            let (mut scanner, mut numbers) = (SequenceScanner::default(), Vec::new());
            for piece in stream.chunks(size) {
                scanner.scan(piece, &mut numbers);
            }
            assert_eq!(numbers, [12, 34, 6], "{size}");
        }
    }
}

//! Finds the numbers of changes in a stream of bytes: `#` and ten digits, wherever the stream is
//! cut.

use super::rest::MARK_DIGITS;

/// Where the scan stands.
#[derive(Debug, Default)]
pub(crate) struct Scanner(Option<Found>);

/// A `#`, and the digits after it so far.
#[derive(Debug, Default)]
struct Found {
    digits: usize,
    number: u64,
}

impl Scanner {
    /// Appends the numbers that end in these bytes.
    pub(crate) fn scan(&mut self, mut bytes: &[u8], numbers: &mut Vec<u64>) {
        loop {
            let Some(found) = &mut self.0 else {
                let Some(hash) = bytes.iter().position(|byte| *byte == b'#') else {
                    return;
                };
                bytes = &bytes[hash + 1..];
                self.0 = Some(Found::default());
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
            found.number = found.number * 10 + u64::from(first - b'0');
            found.digits += 1;
            if found.digits == MARK_DIGITS {
                numbers.push(found.number);
                self.0 = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_wherever_the_stream_is_cut_and_nothing_else_is() {
        let stream = b"a #0000000012, ## #123 #00000000345x #000000000 #0000000006";
        for size in 1..=stream.len() {
            let (mut scanner, mut numbers) = (Scanner::default(), Vec::new());
            for piece in stream.chunks(size) {
                scanner.scan(piece, &mut numbers);
            }
            assert_eq!(numbers, [12, 34, 6], "{size}");
        }
    }
}

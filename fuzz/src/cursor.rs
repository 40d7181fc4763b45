//! Cursors and what they consist of.

use std::fmt::Display;
use std::num::NonZeroU16;
use std::str::FromStr;

use people_core::{Cursor, LogPosition, Partitions, PersonId, Position};

/// Reads a text as a cursor of one partition, of four, and of as many as it names; as a position,
/// and as an id. What is read is written with the same parts, and read again as the same.
pub fn cursor(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    for count in [1, 4].map(|count| NonZeroU16::new(count).expect("not zero")) {
        let partitions = Partitions::new(count);
        if let Ok(cursor) = Cursor::read(text, partitions) {
            assert_eq!(cursor.positions().len(), usize::from(count.get()));
            check(&cursor, text, |written| {
                Cursor::read(written, partitions).ok()
            });
        }
    }
    if let Ok(cursor) = text.parse::<Cursor>() {
        check(&cursor, text, |written| written.parse().ok());
    }
    reads_what_it_writes::<LogPosition>(text);
    reads_what_it_writes::<Position>(text);
    if let Ok(id) = text.parse::<PersonId>() {
        assert!(text.eq_ignore_ascii_case(&id.to_string()));
    }
}

fn check(cursor: &Cursor, text: &str, read: impl Fn(&str) -> Option<Cursor>) {
    let under = cursor.under(cursor.rights());
    let written = under.to_string();
    assert!(written.len() <= under.longest());
    assert_eq!(parts(&written), parts(text), "one text for each part");
    assert_eq!(read(&written).as_ref(), Some(cursor));
}

/// The parts of a cursor, in one order.
fn parts(text: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = text.split(',').collect();
    parts.sort_unstable();
    parts
}

fn reads_what_it_writes<T: FromStr + Display>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string(), text);
    }
}

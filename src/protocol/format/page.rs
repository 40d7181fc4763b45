//! Pages of a snapshot in the JSON formats: as many people as fit a page, none of them in two.

use bytes::Bytes;

use super::cloudevents;
use super::piece::Piece;
use crate::domain::Person;
use crate::rights::Scope;

/// The longest message of a snapshot's page, in bytes of JSON, unless one person alone is longer.
pub const PAGE_BYTES: usize = 64 * 1024;
/// Bytes of a person's JSON that are not its fields, more or less.
const AROUND_FIELDS: usize = 250;

/// The text around the people of a page.
pub(super) struct Around {
    open: fn(&mut String),
    end: &'static str,
}

/// A page of people.v1.json.
pub(super) const MESSAGES: Around = Around {
    open: |out| out.push_str("{\"type\":\"snapshot\",\"people\":["),
    end: "]}",
};

/// A page in an envelope of `CloudEvents`.
pub(super) const ENVELOPES: Around = Around {
    open: cloudevents::open_page,
    end: cloudevents::PAGE_END,
};

/// A page while it is filled.
struct Page<'a> {
    around: &'a Around,
    piece: Piece,
    /// Where the first person begins in the piece's buffer.
    first: usize,
}

/// All of `people` in pages, in order; one empty page for no people. `piece` opens one with room
/// for this many bytes.
pub(super) fn pages(
    around: &Around,
    people: &[Person],
    scope: &Scope,
    piece: impl Fn(usize) -> Piece,
) -> Vec<Bytes> {
    let room = people
        .iter()
        .map(|person| AROUND_FIELDS + person.fields.as_str().len())
        .sum::<usize>()
        .min(PAGE_BYTES);
    let mut pages = Vec::new();
    let mut page = Page::open(around, piece(room));
    for person in people {
        if let Some(overflow) = page.add(person, scope) {
            let full = std::mem::replace(&mut page, Page::open(around, piece(room)));
            pages.push(full.close());
            page.piece.buffer().push_str(&overflow);
        }
    }
    pages.push(page.close());
    pages
}

impl<'a> Page<'a> {
    fn open(around: &'a Around, mut piece: Piece) -> Self {
        let out = piece.buffer();
        (around.open)(out);
        let first = out.len();
        Self {
            around,
            piece,
            first,
        }
    }

    /// Adds the person, or gives its JSON back when it no longer fits. The first person always
    /// fits.
    fn add(&mut self, person: &Person, scope: &Scope) -> Option<String> {
        let limit = self.piece.start() + PAGE_BYTES - self.around.end.len();
        let (first, out) = (self.first, self.piece.buffer());
        let before = out.len();
        if before > first {
            out.push(',');
        }
        let begin = out.len();
        scope.write_json(person, out);
        if before == first || out.len() <= limit {
            return None;
        }
        let overflow = out.split_off(begin);
        out.truncate(before);
        Some(overflow)
    }

    fn close(mut self) -> Bytes {
        self.piece.buffer().push_str(self.around.end);
        self.piece.finish()
    }
}

//! Pages of a snapshot in the JSON dresses: as many people as fit a page, none of them in two.

use bytes::Bytes;

use super::cloudevents;
use super::dress::{Dress, PAGE_BYTES};
use super::piece::Piece;
use crate::domain::Person;

/// Bytes of a person's JSON that are not its fields, more or less.
const AROUND_FIELDS: usize = 250;

/// A page while it is filled.
struct Page {
    dress: Dress,
    piece: Piece,
    /// Where the first person begins in the piece's buffer.
    first: usize,
}

/// All of `people` in pages, in order; one empty page for nobody.
pub(super) fn pages(dress: Dress, people: &[Person]) -> Vec<Bytes> {
    let room = people
        .iter()
        .map(|person| AROUND_FIELDS + person.fields.as_str().len())
        .sum::<usize>()
        .min(PAGE_BYTES);
    let mut pages = Vec::new();
    let mut page = Page::open(dress, room);
    for person in people {
        if let Some(overflow) = page.add(person) {
            let full = std::mem::replace(&mut page, Page::open(dress, room));
            pages.push(full.close());
            page.piece.buffer().push_str(&overflow);
        }
    }
    pages.push(page.close());
    pages
}

impl Page {
    fn open(dress: Dress, room: usize) -> Self {
        let mut piece = match dress {
            Dress::Sse => Piece::event("snapshot", None, room),
            _ => Piece::frame(room),
        };
        let out = piece.buffer();
        match dress {
            Dress::CloudEvents => cloudevents::open_page(out),
            _ => out.push_str("{\"type\":\"snapshot\",\"people\":["),
        }
        let first = out.len();
        Self {
            dress,
            piece,
            first,
        }
    }

    /// Adds the person, or gives its JSON back when it no longer fits. The first person always
    /// fits.
    fn add(&mut self, person: &Person) -> Option<String> {
        let limit = self.piece.start() + PAGE_BYTES - self.end().len();
        let (first, out) = (self.first, self.piece.buffer());
        let before = out.len();
        if before > first {
            out.push(',');
        }
        let begin = out.len();
        person.write_json(out);
        if before == first || out.len() <= limit {
            return None;
        }
        let overflow = out.split_off(begin);
        out.truncate(before);
        Some(overflow)
    }

    const fn end(&self) -> &'static str {
        match self.dress {
            Dress::CloudEvents => cloudevents::PAGE_END,
            _ => "]}",
        }
    }

    fn close(mut self) -> Bytes {
        let end = self.end();
        self.piece.buffer().push_str(end);
        self.piece.finish()
    }
}

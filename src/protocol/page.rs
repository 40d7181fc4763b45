//! Pages of a snapshot in the JSON formats: as many people as fit a page, none of them in two.

use bytes::Bytes;

use super::cloudevents;
use super::format::{PAGE_BYTES, WireFormat};
use super::piece::Piece;
use crate::domain::Person;

/// Bytes of a person's JSON that are not its fields, more or less.
const AROUND_FIELDS: usize = 250;

/// A page while it is filled.
struct Page {
    format: WireFormat,
    piece: Piece,
    /// Where the first person begins in the piece's buffer.
    first: usize,
}

/// All of `people` in pages, in order; one empty page for nobody.
pub(super) fn pages(format: WireFormat, people: &[Person]) -> Vec<Bytes> {
    let room = people
        .iter()
        .map(|person| AROUND_FIELDS + person.fields.as_str().len())
        .sum::<usize>()
        .min(PAGE_BYTES);
    let mut pages = Vec::new();
    let mut page = Page::open(format, room);
    for person in people {
        if let Some(overflow) = page.add(person) {
            let full = std::mem::replace(&mut page, Page::open(format, room));
            pages.push(full.close());
            page.piece.buffer().push_str(&overflow);
        }
    }
    pages.push(page.close());
    pages
}

impl Page {
    fn open(format: WireFormat, room: usize) -> Self {
        let mut piece = match format {
            WireFormat::Sse => Piece::event("snapshot", None, room),
            _ => Piece::frame(room),
        };
        let out = piece.buffer();
        match format {
            WireFormat::CloudEvents => cloudevents::open_page(out),
            _ => out.push_str("{\"type\":\"snapshot\",\"people\":["),
        }
        let first = out.len();
        Self {
            format,
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
        match self.format {
            WireFormat::CloudEvents => cloudevents::PAGE_END,
            _ => "]}",
        }
    }

    fn close(mut self) -> Bytes {
        let end = self.end();
        self.piece.buffer().push_str(end);
        self.piece.finish()
    }
}

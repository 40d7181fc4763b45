//! What one class of sessions is shown of some entries, encoded once and shared by all of them.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::registry::Subscription;
use super::{Entry, Event, Place};
use crate::domain::Change;
use crate::filter::{Images, Verdict};
use crate::protocol::dress::Dress;
use crate::store::Break;

/// One change as a view is shown it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// A whole WebSocket frame.
    pub frame: Bytes,
    /// The place after it.
    pub place: Place,
}

/// What a subscription is shown of a stretch of entries.
#[derive(Clone, Debug)]
pub struct Burst {
    /// The place before the stretch.
    pub before: Place,
    /// In order; empty only where it `breaks`.
    pub shown: Vec<Shown>,
    /// All frames in one piece, for one write.
    pub gathered: Bytes,
    /// How it ends.
    pub end: End,
    /// Whether nothing before its last frame was left out: whoever knew the place before it knows the place after.
    pub whole: bool,
}

/// What follows a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More of the stream.
    Open,
    /// Nothing: its last change is what the subscription's `close_on` waited for.
    Closes,
    /// A new beginning: the store's history broke here, for this reason.
    Breaks(&'static str),
}

/// A stretch of entries on its way to many classes: each is read once, and encoded once per dress and verdict, whatever
/// their number.
pub struct Stretch<'a> {
    before: Place,
    pieces: Vec<Piece<'a>>,
}

enum Piece<'a> {
    Change(Box<Judged<'a>>),
    Reset(Break),
}

/// A change, and what is known of it so far.
struct Judged<'a> {
    change: &'a Change,
    place: &'a Place,
    images: Images<'a>,
    encoded: Vec<Encoded>,
}

struct Encoded {
    dress: Dress,
    verdict: Verdict,
    frame: Option<Bytes>,
}

impl<'a> Stretch<'a> {
    /// The entries that follow each other after `before`.
    pub fn new(before: Place, entries: &'a [Arc<Entry>]) -> Self {
        let piece = |entry: &'a Arc<Entry>| match &entry.event {
            Event::Change(change) => {
                let (place, images) = (&entry.place, Images::of(change));
                Piece::Change(Box::new(Judged { change, place, images, encoded: Vec::new() }))
            }
            Event::Reset(_, reason, _) => Piece::Reset(*reason),
        };
        Self { before, pieces: entries.iter().map(piece).collect() }
    }

    /// What `subscription` is shown of it; none where that is nothing.
    pub fn burst(&mut self, subscription: &Subscription) -> Option<Burst> {
        let mut shown = Vec::new();
        let mut end = End::Open;
        for piece in &mut self.pieces {
            let judged = match piece {
                Piece::Change(judged) => judged,
                Piece::Reset(reason) if subscription.dress.has_cursor() => {
                    end = End::Breaks(reason.name());
                    break;
                }
                Piece::Reset(_) => continue,
            };
            let frame = judged.frame(subscription);
            let Judged { change, place, .. } = **judged;
            if let Some(frame) = frame {
                shown.push(Shown { frame, place: place.clone() });
                if subscription.close_on == Some(change.operation()) {
                    end = End::Closes;
                    break;
                }
            }
        }
        if shown.is_empty() && end == End::Open {
            return None;
        }
        let last = shown.last().map_or(&self.before, |last| &last.place);
        let whole = last.cursor.positions().len() == 1 || last.offset - self.before.offset == shown.len() as u64;
        Some(Burst { before: self.before.clone(), gathered: gather(&shown), shown, end, whole })
    }
}

impl Judged<'_> {
    /// What a subscription is shown of it.
    fn frame(&mut self, subscription: &Subscription) -> Option<Bytes> {
        let (verdict, dress) = (subscription.view.verdict(&self.images), subscription.dress);
        if let Some(known) = self.encoded.iter().find(|known| known.dress == dress && known.verdict == verdict) {
            return known.frame.clone();
        }
        let frame = dress.change(verdict, self.change, Some(&self.place.cursor));
        self.encoded.push(Encoded { dress, verdict, frame: frame.clone() });
        frame
    }
}

fn gather(shown: &[Shown]) -> Bytes {
    match shown {
        [] => Bytes::new(),
        [only] => only.frame.clone(),
        many => {
            let mut all = BytesMut::with_capacity(many.iter().map(|shown| shown.frame.len()).sum());
            for shown in many {
                all.extend_from_slice(&shown.frame);
            }
            all.freeze()
        }
    }
}

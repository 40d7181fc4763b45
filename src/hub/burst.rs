//! What one class of sessions is shown of some entries, encoded once and shared by all of them.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::registry::Subscription;
use super::{Entry, Event, Place};
use crate::filter::Verdict;
use crate::protocol::dress::Dress;

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

/// A stretch of entries with the frames that were encoded for it so far: once per dress and verdict, whatever the number
/// of classes.
pub struct Stretch {
    before: Place,
    entries: Vec<(Arc<Entry>, Vec<Encoded>)>,
}

struct Encoded {
    dress: Dress,
    verdict: Verdict,
    frame: Option<Bytes>,
}

impl Stretch {
    /// The entries that follow each other after `before`.
    pub fn new(before: Place, entries: Vec<Arc<Entry>>) -> Self {
        Self { before, entries: entries.into_iter().map(|entry| (entry, Vec::new())).collect() }
    }

    /// What `subscription` is shown of it; none where that is nothing.
    pub fn burst(&mut self, subscription: &Subscription) -> Option<Burst> {
        let mut shown = Vec::new();
        let mut end = End::Open;
        for (entry, encoded) in &mut self.entries {
            let change = match &entry.event {
                Event::Change(change) => change,
                Event::Reset(_, reason, _) if subscription.dress.has_cursor() => {
                    end = End::Breaks(reason.name());
                    break;
                }
                Event::Reset(..) => continue,
            };
            let verdict = subscription.view.judge(change);
            let dress = subscription.dress;
            let known = encoded.iter().find(|known| known.dress == dress && known.verdict == verdict);
            let frame = if let Some(known) = known {
                known.frame.clone()
            } else {
                let frame = dress.change(verdict, change, Some(&entry.place.cursor));
                encoded.push(Encoded { dress, verdict, frame: frame.clone() });
                frame
            };
            if let Some(frame) = frame {
                shown.push(Shown { frame, place: entry.place.clone() });
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

//! What sessions are shown of the hub's entries, encoded once and shared by all of them.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::registry::Subscription;
use super::{Entry, Event, Place};
use crate::domain::{At, Change, Timestamp, TraceContext};
use crate::filter::{Images, Verdict};
use crate::protocol::dress::Dress;
use crate::telemetry::VerdictLabel;
use crate::telemetry::traces::RelaySpan;

/// One change as a class of sessions is shown it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// A whole frame, header included.
    pub frame: Bytes,
    /// What it means to them.
    pub verdict: VerdictLabel,
    /// When it was made, by its writer's clock.
    pub time: Timestamp,
    /// The place before it.
    pub before: Place,
    /// The place after it.
    pub after: Place,
    /// Whether it is what the subscription's `close_on` waits for: nothing is shown after it.
    pub ends: bool,
    /// The change's way through this gateway, where that is recorded: it ends with the last that holds it.
    pub span: Option<Arc<RelaySpan>>,
}

/// Changes that one write hands to a session.
#[derive(Clone, Debug)]
pub struct Burst {
    /// In order, one at least.
    shown: Box<[Shown]>,
    /// All frames in one piece.
    bytes: Bytes,
}

/// A change on its way to many classes: its images are read once, and it is encoded once per dress and verdict, whatever
/// the number of classes.
pub struct Judged<'a> {
    change: &'a Change,
    before: &'a Place,
    after: &'a Place,
    images: Images<'a>,
    encoded: Vec<Encoded>,
}

struct Encoded {
    dress: Dress,
    verdict: Verdict,
    frame: Option<Bytes>,
}

impl<'a> Judged<'a> {
    /// A change of the hub's order that comes right after `before`; none where the entry is no change.
    pub fn new(before: &'a Place, entry: &'a Entry) -> Option<Self> {
        let Event::Change(change) = &entry.event else { return None };
        Some(Self { change, before, after: &entry.place, images: Images::of(change), encoded: Vec::new() })
    }

    /// The person before and after it.
    pub fn images(&self) -> &Images<'a> {
        &self.images
    }

    /// Where it stands, and the span that wrote it, where that is recorded.
    pub fn trace(&self) -> Option<(At, TraceContext)> {
        let written = self.change.trace.filter(|written| written.is_sampled())?;
        Some((self.change.at, written))
    }

    /// Steps that a subscription's patterns take at worst to judge it.
    pub fn steps(&self, subscription: &Subscription) -> u64 {
        subscription.view.steps(&self.images)
    }

    /// The place before it.
    pub fn before(&self) -> &'a Place {
        self.before
    }

    /// What a subscription is shown of it, if anything.
    pub fn shown(&mut self, subscription: &Subscription) -> Option<Shown> {
        let verdict = subscription.view.verdict(&self.images);
        let label = verdict.label()?;
        let frame = self.frame(verdict, subscription.dress)?;
        let ends = subscription.close_on == Some(self.change.operation());
        let (before, after) = (self.before.clone(), self.after.clone());
        Some(Shown { frame, verdict: label, time: self.change.time, before, after, ends, span: None })
    }

    fn frame(&mut self, verdict: Verdict, dress: Dress) -> Option<Bytes> {
        if let Some(known) = self.encoded.iter().find(|known| known.dress == dress && known.verdict == verdict) {
            return known.frame.clone();
        }
        let frame = dress.change(verdict, self.change, Some(&self.after.cursor));
        self.encoded.push(Encoded { dress, verdict, frame: frame.clone() });
        frame
    }
}

/// The entries, each with the place before it; the first comes right after `before`.
pub(super) fn with_places<'a>(
    before: &'a Place,
    entries: &'a [Arc<Entry>],
) -> impl Iterator<Item = (&'a Place, &'a Entry)> {
    let places = std::iter::once(before).chain(entries.iter().map(|entry| &entry.place));
    places.zip(entries.iter().map(|entry| &**entry))
}

impl Burst {
    /// The changes up to the first that ends the stream; none where there is nothing.
    pub fn new(shown: &[Shown]) -> Option<Self> {
        let count = shown.iter().position(|shown| shown.ends).map_or(shown.len(), |last| last + 1);
        let shown: Box<[Shown]> = shown[..count].into();
        let bytes = match &*shown {
            [] => return None,
            [only] => only.frame.clone(),
            many => {
                let mut all = BytesMut::with_capacity(many.iter().map(|shown| shown.frame.len()).sum());
                for shown in many {
                    all.extend_from_slice(&shown.frame);
                }
                all.freeze()
            }
        };
        Some(Self { shown, bytes })
    }

    /// Its changes, in order, one at least.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// All its frames in one piece.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The place before it.
    pub fn before(&self) -> &Place {
        &self.shown[0].before
    }

    /// The place after it.
    pub fn after(&self) -> &Place {
        &self.shown[self.shown.len() - 1].after
    }

    /// Whether the stream ends with it.
    pub fn ends(&self) -> bool {
        self.shown[self.shown.len() - 1].ends
    }
}

#[cfg(test)]
impl Shown {
    /// One whose verdict and time do not matter.
    pub(super) fn framed(frame: Bytes, before: Place, after: Place, ends: bool) -> Self {
        Self { frame, verdict: VerdictLabel::Update, time: Timestamp::from_millis(0), before, after, ends, span: None }
    }
}

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
    /// In order; never empty.
    pub shown: Vec<Shown>,
    /// All frames in one piece, for one write.
    pub gathered: Bytes,
    /// The last one is what the subscription's `close_on` waited for: the session ends after it.
    pub ends: bool,
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
        let (mut shown, mut ends) = (Vec::new(), false);
        for (entry, encoded) in &mut self.entries {
            let Event::Change(change) = &entry.event else { continue };
            let verdict = subscription.view.judge(change);
            let dress = subscription.dress;
            let known = encoded.iter().find(|known| known.dress == dress && known.verdict == verdict);
            let frame = if let Some(known) = known {
                known.frame.clone()
            } else {
                let frame = dress.change(verdict, change, None);
                encoded.push(Encoded { dress, verdict, frame: frame.clone() });
                frame
            };
            if let Some(frame) = frame {
                shown.push(Shown { frame, place: entry.place.clone() });
                ends = subscription.close_on == Some(change.operation());
                if ends {
                    break;
                }
            }
        }
        let gathered = gather(&shown)?;
        Some(Burst { before: self.before.clone(), shown, gathered, ends })
    }
}

fn gather(shown: &[Shown]) -> Option<Bytes> {
    match shown {
        [] => None,
        [only] => Some(only.frame.clone()),
        many => {
            let mut all = BytesMut::with_capacity(many.iter().map(|shown| shown.frame.len()).sum());
            for shown in many {
                all.extend_from_slice(&shown.frame);
            }
            Some(all.freeze())
        }
    }
}

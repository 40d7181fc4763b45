//! A change on its way to many groups.

use std::collections::HashMap;

use bytes::Bytes;

use crate::domain::{Change, LogPosition, TraceContext};
use crate::filter::{Images, Verdict};
use crate::history::{Checkpoint, Entry, Event};
use crate::protocol::format::FrameKey;
use crate::session::{Notification, Subscription};

/// A change whose images are read once, and which is encoded once per format, verdict and mask,
/// whatever the number of groups.
pub struct Evaluation<'a> {
    change: &'a Change,
    before: &'a Checkpoint,
    after: &'a Checkpoint,
    images: Images<'a>,
    encoded: HashMap<FrameKey, Option<Bytes>>,
}

impl<'a> Evaluation<'a> {
    /// A change that comes right after `before`; none where the entry is no change.
    pub fn new(before: &'a Checkpoint, entry: &'a Entry) -> Option<Self> {
        let Event::Change(change) = &entry.event else {
            return None;
        };
        Some(Self {
            change,
            before,
            after: &entry.checkpoint,
            images: Images::of(change),
            encoded: HashMap::new(),
        })
    }

    /// The person before and after it.
    pub fn images(&self) -> &Images<'a> {
        &self.images
    }

    /// Its position, and the span that wrote it, where that is recorded.
    pub fn trace(&self) -> Option<(LogPosition, TraceContext)> {
        let written = self.change.trace.filter(|written| written.is_sampled())?;
        Some((self.change.at, written))
    }

    /// The most steps that a subscription's patterns take to evaluate it.
    pub fn steps(&self, subscription: &Subscription) -> u64 {
        subscription.view.steps(&self.images)
    }

    /// The checkpoint before it.
    pub fn before(&self) -> &'a Checkpoint {
        self.before
    }

    /// What a subscription is sent of it, if anything.
    pub fn notification(&mut self, subscription: &Subscription) -> Option<Notification> {
        let verdict = subscription.view.verdict(&self.images);
        if verdict == Verdict::Outside {
            return None;
        }
        let frame = self.frame(verdict, subscription)?;
        Some(Notification {
            frame,
            verdict,
            time: self.change.time,
            before: self.before.clone(),
            after: self.after.clone(),
            ends: subscription.close_on == Some(self.change.operation()),
            span: None,
        })
    }

    fn frame(&mut self, verdict: Verdict, subscription: &Subscription) -> Option<Bytes> {
        let Subscription { format, scope, .. } = subscription;
        let (change, cursor) = (self.change, &self.after.cursor);
        let encode = || format.change(verdict, change, Some(cursor), scope);
        let key = format.frame_key(verdict, scope);
        self.encoded.entry(key).or_insert_with(encode).clone()
    }
}

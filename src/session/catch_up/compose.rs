//! A stretch of changes as one batch: of each person the image before its first change and the one
//! after its last.
//!
//! Single frames of a composed stretch would lie about the cursor; a batch is received whole or not
//! at all.

use std::collections::HashMap;

use bytes::Bytes;
use people_core::sabotage::{Sabotage, planted};

use crate::domain::{Change, Cursor, PersonId};
use crate::filter::{Images, View};
use crate::protocol::message::{Composed, Message};
use crate::session::subscription::Subscription;

/// The longest batch on the wire, in bytes.
pub(super) const BATCH_BYTES: usize = 256 * 1024;

/// The messages of a view for these changes together, in the order of each person's first change.
pub(super) fn compose<'a>(
    view: &View,
    changes: impl IntoIterator<Item = &'a Change>,
) -> Vec<Composed> {
    let mut people: Vec<(&Change, &Change)> = Vec::new();
    let mut known: HashMap<PersonId, usize> = HashMap::new();
    for change in changes {
        if let Some(index) = known.get(&change.id) {
            people[*index].1 = change;
        } else {
            known.insert(change.id, people.len());
            people.push((change, change));
        }
    }
    let judged = people.into_iter().filter_map(|(first, last)| {
        let first = if planted(Sabotage::BatchByLastChange) {
            last
        } else {
            first
        };
        let verdict = view.verdict(&Images::new(
            last.id,
            first.before.as_ref(),
            last.after.as_ref(),
        ));
        Composed::of(verdict, last)
    });
    judged.collect()
}

/// One frame for a batch that leads to `cursor`; nothing where the view is not concerned.
pub(super) fn batch(
    subscription: &Subscription,
    changes: &[Composed],
    cursor: &Cursor,
) -> Option<Bytes> {
    if changes.is_empty() {
        return None;
    }
    subscription.message(&Message::Batch { cursor, changes })
}

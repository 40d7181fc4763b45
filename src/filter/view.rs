//! A view's verdict on a change. It depends on the two images of the change alone, so the gateway
//! keeps no state per client.

use super::predicate::Image;
use super::program::Scoped;
use crate::domain::{Change, FieldsJson, Kinds, PersonId};

/// What a change means to a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The person is new, and matches.
    Create,
    /// The person did not match, and now does.
    Enter,
    /// The person matches before and after.
    Update,
    /// The person matched, and no longer does.
    Leave,
    /// The person matched, and was deleted.
    Delete,
    /// The change does not concern the view.
    Outside,
}

impl Verdict {
    /// The name on the wire and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Enter => "enter",
            Self::Update => "update",
            Self::Leave => "leave",
            Self::Delete => "delete",
            Self::Outside => "outside",
        }
    }
}

/// A person before and after one change or several, for any number of views to evaluate. Each image
/// is parsed once, and its attributes only if a filter needs them.
pub struct Images<'a> {
    pub(super) before: Option<Image<'a>>,
    pub(super) after: Option<Image<'a>>,
}

impl<'a> Images<'a> {
    /// The fields of a person before and after; `None` where there was, or is, no such person. The
    /// two may be many changes apart.
    pub fn new(
        id: PersonId,
        before: Option<&'a FieldsJson>,
        after: Option<&'a FieldsJson>,
    ) -> Self {
        let image = |fields| Image::new(id, fields);
        Self {
            before: before.map(image),
            after: after.map(image),
        }
    }

    /// The images of one change.
    pub fn of(change: &'a Change) -> Self {
        Self::new(change.id, change.before.as_ref(), change.after.as_ref())
    }
}

/// What one client subscribes to. Equal views are evaluated once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct View {
    /// The kinds of changes that it shows.
    pub kinds: Kinds,
    /// The people whose changes it shows.
    pub filter: Scoped,
}

impl Verdict {
    /// Whether a view of these kinds shows a change with this verdict.
    pub const fn is_shown_by(self, kinds: Kinds) -> bool {
        match self {
            Self::Outside => false,
            Self::Create | Self::Enter | Self::Update | Self::Leave => {
                !matches!(kinds, Kinds::Deletes)
            }
            Self::Delete => !matches!(kinds, Kinds::Saves),
        }
    }

    /// The table of changes in docs/protocol.md: the verdict from whether each image matches. An
    /// image is `None` where there is no person.
    const fn from_images(before: Option<bool>, after: Option<bool>) -> Self {
        match (before, after) {
            (None, Some(true)) => Self::Create,
            (Some(false), Some(true)) => Self::Enter,
            (Some(true), Some(true)) => Self::Update,
            (Some(true), Some(false)) => Self::Leave,
            (Some(true), None) => Self::Delete,
            (None | Some(false), None | Some(false)) => Self::Outside,
        }
    }
}

impl View {
    /// What `change` means to this view; `Outside` if its kinds exclude the change.
    pub fn verdict_of(&self, change: &Change) -> Verdict {
        self.verdict(&Images::of(change))
    }

    /// Steps that the patterns take at worst for this verdict (see
    /// [`Filter::steps`](super::Filter::steps)).
    pub fn steps(&self, images: &Images<'_>) -> u64 {
        let images = [&images.before, &images.after].into_iter().flatten();
        images
            .map(|image| self.filter.steps_of_image(image))
            .fold(0, u64::saturating_add)
    }

    /// What the difference of two images means to this view; `Outside` if its kinds exclude it.
    pub fn verdict(&self, images: &Images<'_>) -> Verdict {
        // Only a delete has no image after it, so a view of one kind need not evaluate changes of
        // the other.
        let is_excluded = match self.kinds {
            Kinds::All => false,
            Kinds::Saves => images.after.is_none(),
            Kinds::Deletes => images.after.is_some(),
        };
        if is_excluded {
            return Verdict::Outside;
        }
        let matched = |image: &Option<Image<'_>>| {
            image.as_ref().map(|image| self.filter.matches_image(image))
        };
        let verdict = Verdict::from_images(matched(&images.before), matched(&images.after));
        if verdict.is_shown_by(self.kinds) {
            verdict
        } else {
            Verdict::Outside
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_that_of_the_table_in_the_protocol() {
        let (none, out, within) = (None, Some(false), Some(true));
        for (before, after, verdict) in [
            (none, within, Verdict::Create),
            (out, within, Verdict::Enter),
            (within, within, Verdict::Update),
            (within, out, Verdict::Leave),
            (within, none, Verdict::Delete),
            (none, out, Verdict::Outside),
            (out, out, Verdict::Outside),
            (out, none, Verdict::Outside),
            (none, none, Verdict::Outside),
        ] {
            assert_eq!(
                Verdict::from_images(before, after),
                verdict,
                "{before:?} {after:?}"
            );
        }
    }

    #[test]
    fn each_verdict_belongs_to_all_and_to_either_saves_or_deletes() {
        for verdict in [
            Verdict::Create,
            Verdict::Enter,
            Verdict::Update,
            Verdict::Leave,
            Verdict::Delete,
        ] {
            assert!(verdict.is_shown_by(Kinds::All));
            assert_ne!(
                verdict.is_shown_by(Kinds::Saves),
                verdict.is_shown_by(Kinds::Deletes),
                "{verdict:?}"
            );
        }
        assert!(!Verdict::Outside.is_shown_by(Kinds::All));
    }
}

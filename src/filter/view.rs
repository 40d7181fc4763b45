//! A view's verdict on a change, decided from its two images alone, so that nobody keeps state per
//! client.

use super::Filter;
use super::image::Image;
use crate::domain::{Change, FieldsJson, Kinds, PersonId};
use crate::telemetry::VerdictLabel;

/// What a change means to a view, whatever kinds it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A new person who matches.
    Create,
    /// A person who did not match, and now does.
    Enter,
    /// A person who matched before and after.
    Update,
    /// A person who matched, and no longer does.
    Leave,
    /// A person who matched, and was deleted.
    Delete,
    /// Nothing: nobody in the view is concerned.
    Outside,
}

/// A person before and after something, for any number of views to judge: each image is read once,
/// and only as far as one of them asks.
pub struct Images<'a> {
    pub(super) before: Option<Image<'a>>,
    pub(super) after: Option<Image<'a>>,
}

impl<'a> Images<'a> {
    /// The person as they were and as they are; none where there was, or is, no such person. The
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

    /// What a change made of a person.
    pub fn of(change: &'a Change) -> Self {
        Self::new(change.id, change.before.as_ref(), change.after.as_ref())
    }
}

/// What one client asked for. Views that are equal are judged once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct View {
    /// Which changes it shows.
    pub kinds: Kinds,
    /// Whose changes it shows.
    pub filter: Filter,
}

impl Verdict {
    /// Whether a view of these kinds shows it.
    pub const fn is_shown_by(self, kinds: Kinds) -> bool {
        match self {
            Self::Outside => false,
            Self::Create | Self::Enter | Self::Update | Self::Leave => {
                !matches!(kinds, Kinds::Deletes)
            }
            Self::Delete => !matches!(kinds, Kinds::Saves),
        }
    }

    /// How it is counted; nothing is where nothing is shown.
    pub const fn label(self) -> Option<VerdictLabel> {
        match self {
            Self::Create => Some(VerdictLabel::Create),
            Self::Enter => Some(VerdictLabel::Enter),
            Self::Update => Some(VerdictLabel::Update),
            Self::Leave => Some(VerdictLabel::Leave),
            Self::Delete => Some(VerdictLabel::Delete),
            Self::Outside => None,
        }
    }

    /// The table of the protocol: what a change is to a view, from whether its images matched. An
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
    /// What `change` means to this view, or `Outside` when its kinds leave that out.
    pub fn judge(&self, change: &Change) -> Verdict {
        self.verdict(&Images::of(change))
    }

    /// Steps that patterns take at worst for this verdict, as of [`Filter::steps`].
    pub fn steps(&self, images: &Images<'_>) -> u64 {
        let images = [&images.before, &images.after].into_iter().flatten();
        images
            .map(|image| self.filter.steps_of_image(image))
            .fold(0, u64::saturating_add)
    }

    /// What it means to this view that a person was one image and is the other; `Outside` when its
    /// kinds leave that out.
    pub fn verdict(&self, images: &Images<'_>) -> Verdict {
        // Only a delete ends with nobody, so half of what is judged for some kinds needs no look at
        // anyone.
        let never_shown = match self.kinds {
            Kinds::All => false,
            Kinds::Saves => images.after.is_none(),
            Kinds::Deletes => images.after.is_some(),
        };
        if never_shown {
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
    fn the_verdict_follows_the_table_of_the_protocol() {
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
    fn saves_and_deletes_share_out_what_all_shows() {
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

//! What a caller's writes may do: judged on the image before and on the one after, with what the
//! caller does not see laid over what it sends.

use super::overlay::{Null, value_at};
use super::{Rights, Verb};
use crate::domain::{Draft, FieldsJson, IdRule, MergePatch, PersonId, PersonMembers, Rejection};
use crate::filter::FieldPath;

/// The fields that every person has.
const REQUIRED: [&str; 4] = ["firstName", "lastName", "age", "job"];
/// The words of a refused write, whatever rule refuses it: a person who is not seen is not told
/// from one who may not be saved.
const OUTSIDE: &str = "The rights of the caller do not cover a person like this.";

/// A body of a save, as far as it can be judged by itself.
#[derive(Debug)]
pub enum SaveBody {
    /// A person.
    Whole(Draft),
    /// What the caller sees of a person.
    Seen(PersonMembers),
}

/// Why a write is refused.
#[derive(Debug, thiserror::Error)]
pub enum WriteRefusal {
    /// The values are wrong.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The rights do not allow it.
    #[error("{1}")]
    Forbidden(Verb, String),
}

impl SaveBody {
    /// The id that the body names.
    pub const fn id(&self) -> Option<PersonId> {
        match self {
            Self::Whole(draft) => draft.id,
            Self::Seen(members) => members.id,
        }
    }
}

impl Rights {
    /// Reads the body of a save, which must not name what is hidden.
    pub fn read_body(&self, text: &str, rule: IdRule) -> Result<SaveBody, Rejection> {
        let Some(mask) = self.scope().mask() else {
            return Draft::parse(text, rule).map(SaveBody::Whole);
        };
        let members = PersonMembers::parse(text, rule)?;
        mask.check_names(&members.members)?;
        Ok(SaveBody::Seen(members))
    }

    /// Reads a patch, which must not name what is hidden.
    pub fn read_patch(&self, text: &str, id: PersonId) -> Result<MergePatch, Rejection> {
        let patch = MergePatch::parse(text, id)?;
        if let (Some(mask), Some(members)) = (self.scope().mask(), patch.members()) {
            mask.check_names(members)?;
        }
        Ok(patch)
    }

    /// The new person that a body makes.
    pub fn create(&self, id: PersonId, body: &SaveBody) -> Result<FieldsJson, WriteRefusal> {
        let draft = match (body, self.scope().mask()) {
            (SaveBody::Whole(draft), _) => draft.clone(),
            (SaveBody::Seen(members), None) => members.clone().into_draft()?,
            (SaveBody::Seen(members), Some(mask)) => {
                mask.check_room(&members.members, Null::Value, None)?;
                let hidden = REQUIRED.iter().find(|name| mask.hides_field(name));
                if let Some(name) = hidden {
                    let detail =
                        format!("{name} is hidden from the caller, and a new person needs it.");
                    return Err(WriteRefusal::Forbidden(Verb::Create, detail));
                }
                members.clone().into_draft()?
            }
        };
        let fields = draft.fields.to_json();
        self.check_kept(Verb::Create, None, &fields)?;
        self.check_saved(Verb::Create, id, &fields)?;
        Ok(fields)
    }

    /// What a body makes of a person.
    pub fn replace(
        &self,
        id: PersonId,
        before: &FieldsJson,
        body: &SaveBody,
    ) -> Result<FieldsJson, WriteRefusal> {
        let draft = match body {
            SaveBody::Whole(draft) => draft.clone(),
            SaveBody::Seen(members) => {
                if let Some(mask) = self.scope().mask() {
                    let before = before.to_members();
                    mask.check_room(&members.members, Null::Value, Some(&before))?;
                }
                self.laid_over(before, members.clone())?
            }
        };
        self.updated(id, before, &draft)
    }

    /// What a patch makes of a person.
    pub fn merge(
        &self,
        id: PersonId,
        before: &FieldsJson,
        patch: &MergePatch,
    ) -> Result<FieldsJson, WriteRefusal> {
        let draft = match self.scope().mask() {
            None => patch.apply(before)?,
            Some(mask) => {
                if let Some(members) = patch.members() {
                    mask.check_room(members, Null::Removes, Some(&before.to_members()))?;
                }
                self.laid_over(before, patch.merge(mask.apply(before))?)?
            }
        };
        self.updated(id, before, &draft)
    }

    /// Whether a person may be changed at all.
    pub fn check_update(&self, id: PersonId, before: &FieldsJson) -> Result<(), WriteRefusal> {
        self.check_saved(Verb::Update, id, before)
    }

    /// Whether a person may be deleted.
    pub fn check_delete(&self, id: PersonId, before: &FieldsJson) -> Result<(), WriteRefusal> {
        let rule = self.writes.delete.as_ref();
        if rule.is_none_or(|rule| rule.matches(id, before)) {
            return Ok(());
        }
        Err(WriteRefusal::outside(Verb::Delete))
    }

    fn updated(
        &self,
        id: PersonId,
        before: &FieldsJson,
        draft: &Draft,
    ) -> Result<FieldsJson, WriteRefusal> {
        let fields = draft.fields.to_json();
        self.check_kept(Verb::Update, Some(before), &fields)?;
        self.check_saved(Verb::Update, id, &fields)?;
        Ok(fields)
    }

    fn laid_over(
        &self,
        before: &FieldsJson,
        mut edited: PersonMembers,
    ) -> Result<Draft, Rejection> {
        if let Some(mask) = self.scope().mask() {
            mask.overlay(before, &mut edited.members)?;
        }
        edited.into_draft()
    }

    fn check_saved(
        &self,
        verb: Verb,
        id: PersonId,
        fields: &FieldsJson,
    ) -> Result<(), WriteRefusal> {
        let rule = self.writes.save.as_ref();
        if rule.is_none_or(|rule| rule.matches(id, fields)) {
            return Ok(());
        }
        Err(WriteRefusal::outside(verb))
    }

    /// An update leaves the values of `keep` as they are; a creation leaves such attributes out.
    fn check_kept(
        &self,
        verb: Verb,
        before: Option<&FieldsJson>,
        after: &FieldsJson,
    ) -> Result<(), WriteRefusal> {
        if self.writes.keep.is_empty() {
            return Ok(());
        }
        let (before, after) = (before.map(FieldsJson::to_members), after.to_members());
        let is_changed = |path: &&FieldPath| match &before {
            Some(before) => value_at(before, path.names()) != value_at(&after, path.names()),
            None => *path.names()[0] == *"attributes" && value_at(&after, path.names()).is_some(),
        };
        match self.writes.keep.iter().find(is_changed) {
            None => Ok(()),
            // Of what is hidden not even the name is told.
            Some(path) if self.scope().mask().is_some_and(|mask| mask.hides(path)) => {
                Err(WriteRefusal::outside(verb))
            }
            Some(path) => Err(WriteRefusal::Forbidden(
                verb,
                format!("The rights of the caller do not cover {path}: leave it as it is."),
            )),
        }
    }
}

impl WriteRefusal {
    /// The refusal of a person that the rules do not cover.
    pub fn outside(verb: Verb) -> Self {
        Self::Forbidden(verb, OUTSIDE.into())
    }
}

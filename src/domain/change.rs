//! What happened to one person: a save or a delete, with the images before and after.

use super::{
    Comparison, FieldsJson, LogPosition, Person, PersonId, Position, Tag, Timestamp, TraceContext,
};

/// The two things that can happen to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The person was written, new or not.
    Save,
    /// The person was removed.
    Delete,
}

/// One entry of a partition's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its position.
    pub at: LogPosition,
    /// The tag of the entry before it: what chains the log together.
    pub previous: Tag,
    /// The person's id.
    pub id: PersonId,
    /// When it happened, by the writing gateway's clock.
    pub time: Timestamp,
    /// When the person was saved first.
    pub created_at: Timestamp,
    /// The person's fields before it; none where there was no person.
    pub before: Option<FieldsJson>,
    /// The person's fields after it; none after a delete.
    pub after: Option<FieldsJson>,
    /// The span that wrote it, where that was recorded. Only what is published carries it: the log
    /// does not.
    pub trace: Option<TraceContext>,
}

/// How a change relates to a place in its partition's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// It comes right after the place: it has the next number and names the place's tag.
    Next,
    /// It is the place, or has a lower number: the history that led to the place went through it,
    /// or forked before it.
    Passed,
    /// It does not come right after the place, or is of another history.
    Apart,
}

impl Change {
    /// How it relates to a place of its partition.
    pub fn follows(&self, place: Position) -> Succession {
        match self.at.position.compare(place) {
            Comparison::Same | Comparison::Lower => Succession::Passed,
            Comparison::Higher if self.predecessor() == Some(place) => Succession::Next,
            Comparison::Higher | Comparison::Apart => Succession::Apart,
        }
    }

    /// Whether it saved or deleted.
    pub const fn operation(&self) -> Operation {
        if self.after.is_some() {
            Operation::Save
        } else {
            Operation::Delete
        }
    }

    /// The place right before it in its partition: its own epoch, one number less, and the tag that
    /// it chains to.
    pub fn predecessor(&self) -> Option<Position> {
        let position = self.at.position;
        let seq = super::Seq::new(position.seq.get().checked_sub(1)?)?;
        Some(Position {
            epoch: position.epoch,
            seq,
            tag: self.previous,
        })
    }

    /// The person as this change left it; none after a delete.
    pub fn person(&self) -> Option<Person> {
        let fields = self.after.clone()?;
        Some(Person {
            id: self.id,
            fields,
            revision: self.at.position,
            created_at: self.created_at,
            updated_at: self.time,
        })
    }
}

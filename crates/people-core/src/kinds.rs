//! The kinds of change that a client subscribes to.

use std::str::FromStr;

/// The kinds of change in a view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kinds {
    /// All kinds.
    #[default]
    All,
    /// Create, enter, update and leave: the changes that a save causes.
    Saves,
    /// Delete only.
    Deletes,
}

/// The text is not one of the words for kinds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("kinds is one of all, saves, deletes")]
pub struct UnknownKinds;

impl FromStr for Kinds {
    type Err = UnknownKinds;

    fn from_str(text: &str) -> Result<Self, UnknownKinds> {
        match text {
            "all" => Ok(Self::All),
            "saves" => Ok(Self::Saves),
            "deletes" => Ok(Self::Deletes),
            _ => Err(UnknownKinds),
        }
    }
}

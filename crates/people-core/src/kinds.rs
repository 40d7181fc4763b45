//! Which kinds of change a client is shown.

use std::str::FromStr;

/// Which changes a view shows at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kinds {
    /// All.
    #[default]
    All,
    /// Create, enter, update and leave: the changes that a save can make.
    Saves,
    /// Delete.
    Deletes,
}

/// A text that names no kinds.
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

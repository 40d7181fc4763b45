//! The forms in which the same stream is sent.

use bytes::Bytes;

use super::{frame, text};
use crate::domain::Change;
use crate::filter::Verdict;

/// The form that a client chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dress {
    /// Plain sentences, as the clients of the tutorial's service expect them.
    Text,
}

impl Dress {
    /// What `change` looks like to a view that gave this verdict: a whole WebSocket frame, header included, or nothing
    /// where nothing is shown.
    pub fn encode(self, verdict: Verdict, change: &Change) -> Option<Bytes> {
        match self {
            Self::Text => text::sentence(verdict, change).map(|sentence| frame::text(&sentence)),
        }
    }
}

//! What a connection reads next.

use super::chunks::Chunks;
use super::head::{Content, Head};

/// What is read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Head,
    /// A body; behind it, an answer may decide.
    Body {
        left: u64,
        upgrade: bool,
    },
    Chunks {
        chunks: Chunks,
        upgrade: bool,
    },
    /// The answer decides: another protocol, or another head.
    Verdict,
    /// All that comes is none of ours.
    Raw,
    /// Nothing more: a head was refused.
    Refused,
}

impl Phase {
    /// What is read behind a head.
    pub(super) fn behind(head: &Head) -> Self {
        match head.content {
            Content::Length(0) => Self::after_body(head.upgrade),
            Content::Length(left) => Self::Body {
                left,
                upgrade: head.upgrade,
            },
            Content::Chunks(chunks) => Self::Chunks {
                chunks,
                upgrade: head.upgrade,
            },
        }
    }

    fn after_body(upgrade: bool) -> Self {
        if upgrade { Self::Verdict } else { Self::Head }
    }

    /// How many bytes at the front of `bytes` pass as they are; what is behind a body that ends
    /// there is the next phase.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::Body { left, upgrade } => {
                let taken =
                    usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= taken as u64;
                if *left == 0 {
                    *self = Self::after_body(*upgrade);
                }
                taken
            }
            Self::Chunks { chunks, upgrade } => {
                let taken = chunks.take(bytes);
                match chunks {
                    Chunks::Over => *self = Self::after_body(*upgrade),
                    Chunks::Lost => {
                        *self = Self::Raw;
                        return bytes.len();
                    }
                    _ => {}
                }
                taken
            }
            Self::Raw => bytes.len(),
            Self::Head | Self::Verdict | Self::Refused => 0,
        }
    }
}

//! The part of a request that a connection reads next.

use super::chunked::ChunkedBody;
use super::head::{BodyFraming, RequestHead};

/// The part that is read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadPhase {
    Head,
    /// A body of known length. `upgrade`: the answer decides what follows it.
    Body {
        left: u64,
        upgrade: bool,
    },
    /// A chunked body.
    Chunks {
        body: ChunkedBody,
        upgrade: bool,
    },
    /// The answer decides: another protocol, or another head.
    AwaitAnswer,
    /// Bytes that are passed on unread: another protocol, or a body that cannot be followed.
    Raw,
    /// Nothing more: a head was refused.
    Refused,
}

impl ReadPhase {
    /// The phase after a head.
    pub(super) fn after_head(head: &RequestHead) -> Self {
        let upgrade = head.upgrade;
        match head.framing {
            BodyFraming::Length(0) => Self::after_body(upgrade),
            BodyFraming::Length(left) => Self::Body { left, upgrade },
            BodyFraming::Chunked(body) => Self::Chunks { body, upgrade },
        }
    }

    fn after_body(upgrade: bool) -> Self {
        if upgrade {
            Self::AwaitAnswer
        } else {
            Self::Head
        }
    }

    /// How many bytes at the front of `bytes` belong to this phase and are passed on. Moves to the
    /// next phase where a body ends there.
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
            Self::Chunks { body, upgrade } => {
                let taken = body.take(bytes);
                match body {
                    ChunkedBody::Complete => *self = Self::after_body(*upgrade),
                    ChunkedBody::Malformed => {
                        *self = Self::Raw;
                        return bytes.len();
                    }
                    _ => {}
                }
                taken
            }
            Self::Raw => bytes.len(),
            Self::Head | Self::AwaitAnswer | Self::Refused => 0,
        }
    }
}

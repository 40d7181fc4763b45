//! How bytes get from the hub into sockets: one non-blocking write for each session, many sessions
//! at a time.
//!
//! Encryption would not come through here: it is made for each socket, ahead of its own writes
//! (docs/adr/0007).

mod calls;
#[cfg(test)]
mod tests;
#[cfg(target_os = "linux")]
mod uring;

use std::fmt;
use std::str::FromStr;

use crate::session::PendingWrite;

pub(super) use calls::Calls;
#[cfg(target_os = "linux")]
use uring::Uring;

/// Writes to many sockets, one after the other or all at once. None is ever waited for: what a
/// socket does not take at once is the session's to keep.
pub(super) trait Egress: Send {
    /// Writes what each is to be sent, and notes how much its socket took.
    fn write(&mut self, pending: &mut [PendingWrite<'_>]);
}

/// What an operator chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EgressChoice {
    /// Many writes at a time go through `io_uring` where the system allows it.
    #[default]
    Auto,
    /// A system call for each write.
    Send,
}

/// A text that names none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has to be auto or send")]
pub struct UnknownEgress;

impl EgressChoice {
    /// Makes it. To be used on this thread alone.
    pub(super) fn make(self) -> Box<dyn Egress> {
        #[cfg(target_os = "linux")]
        if self == Self::Auto {
            match Uring::new() {
                Ok(uring) => {
                    tracing::info!("large fan-outs are written through io_uring");
                    return Box::new(uring);
                }
                Err(error) => {
                    tracing::info!(%error, "io_uring is not to be had here: each write is a system call");
                }
            }
        }
        Box::new(Calls)
    }
}

impl FromStr for EgressChoice {
    type Err = UnknownEgress;

    fn from_str(text: &str) -> Result<Self, UnknownEgress> {
        [Self::Auto, Self::Send]
            .into_iter()
            .find(|choice| choice.to_string() == text)
            .ok_or(UnknownEgress)
    }
}

impl fmt::Display for EgressChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Send => "send",
        })
    }
}

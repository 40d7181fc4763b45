//! Which way of writing an operator chose, and which one the system allows.

use std::fmt;
use std::str::FromStr;

use super::calls::Calls;
use super::sockets::Egress;
#[cfg(target_os = "linux")]
use super::uring::Uring;

/// The way of writing that an operator chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EgressChoice {
    /// Many writes at a time go through `io_uring` where the system allows it.
    #[default]
    Auto,
    /// A system call for each write.
    Send,
}

/// A text that names no way of writing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has to be auto or send")]
pub struct UnknownEgress;

impl EgressChoice {
    /// Makes it. To be used on this thread alone.
    pub(in crate::fanout) fn make(self) -> Box<dyn Egress> {
        #[cfg(target_os = "linux")]
        if self == Self::Auto {
            match Uring::new() {
                Ok(uring) => {
                    tracing::info!(
                        "io_uring is on: large fan-outs take one system call in place of hundreds"
                    );
                    return Box::new(uring);
                }
                Err(error) => {
                    tracing::info!(
                        %error,
                        "io_uring is off: the system does not allow it; each write is a system \
                         call (docs/operations.md says how to allow it)"
                    );
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

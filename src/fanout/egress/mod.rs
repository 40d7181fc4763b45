//! How bytes get into sockets: one non-blocking write for each session, many sessions at a time.
//!
//! Encryption would not come through here: it is made for each socket, ahead of its own writes
//! (docs/adr/0007).

mod calls;
mod choice;
mod sockets;
#[cfg(test)]
mod tests;
#[cfg(target_os = "linux")]
mod uring;

pub(super) use calls::Calls;
pub use choice::EgressChoice;
pub(super) use sockets::Egress;

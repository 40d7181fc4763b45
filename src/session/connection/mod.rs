//! The sending half of a session: its socket, what waits for it, and its state.
//!
//! [`Connection`] is the wire, and a view hangs on it. A sender holds its lock for one non-blocking
//! write at most per step, and no sender writes past a queue. Two handles are rights: a
//! [`DrainHandle`] exists as long as a queue does, and belongs to the task that empties it; a
//! [`ServeHandle`] belongs to the dispatching thread.

mod catch_up;
mod closing;
mod drain;
mod member_slot;
mod send_queue;
mod serve;
mod socket;
mod wire;
mod write;

pub use catch_up::{CatchUp, ResetCause};
pub(in crate::session) use closing::Begun;
pub use drain::DrainStep;
pub use member_slot::MemberSlot;
pub use send_queue::ClientRequest;
pub use send_queue::TooManyRequests;
pub use serve::ServeHandle;
pub(crate) use socket::Gone;
pub use socket::{PairEnd, Socket};
pub(in crate::session) use wire::TokenStep;
pub use wire::{Connection, DrainHandle};
pub use write::{Delivery, DeliveryOutcome, PendingWrite};

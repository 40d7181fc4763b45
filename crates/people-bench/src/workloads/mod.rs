//! The workloads: their flags, contestants, loads and figures. Each is a file.

mod deliveries;
mod figures;
mod flags;
mod idle;
mod resume;
mod slow;
mod storm;
mod target;
mod writes;

pub(crate) use deliveries::{FanoutFlags, PushFlags, SelectiveFlags, fanout, push, selective};
pub(crate) use idle::{IdleFlags, idle};
pub(crate) use resume::{ResumeFlags, resume};
pub(crate) use slow::{SlowFlags, slow};
pub(crate) use storm::{StormFlags, storm};
pub(crate) use target::UsageError;
pub(crate) use writes::{WritesFlags, writes};

//! The gateway as a process of the system: its signals, and its limit of open files.

pub(super) mod open_files;
pub(crate) mod signals;

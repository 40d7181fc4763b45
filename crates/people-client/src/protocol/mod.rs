//! The messages of `people.v1.json`, and the events that they become.

pub(crate) mod event;
pub(crate) mod message;

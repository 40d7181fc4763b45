//! Sessions that the dispatcher does not serve: they get their missed changes, or a snapshot.

mod compose;
mod drainer;
mod evaluator;
#[cfg(test)]
mod exactness_tests;
mod recovery;
mod renewal;
mod replay;
mod requests;
mod snapshot;

pub(super) use drainer::{drain, run};

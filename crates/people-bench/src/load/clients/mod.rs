//! WebSocket clients that cost little: thousands of them in one thread.

mod frames;
mod pool;
mod sequence;
mod slow;
mod watcher;

pub(crate) use pool::{ClientPool, ConnectPlan, raise_open_files};
pub(crate) use slow::SlowReaders;
pub(crate) use watcher::ReceiveBuffer;

//! The faults of the clusters and sentinels that other tests start: each does what it says.

mod cluster;
mod proxies;
mod sentinel;

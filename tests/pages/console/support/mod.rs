//! The other processes of a test: a browser and a proxy.

pub(crate) mod browser;
pub(crate) mod proxy;

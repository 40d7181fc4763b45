//! The processes of a test beside its gateway: a browser, and a proxy.

pub(crate) mod browser;
pub(crate) mod proxy;

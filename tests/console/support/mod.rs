//! The processes of a test: a gateway, a browser, and a proxy.

pub(crate) mod browser;
pub(crate) mod gateway;
pub(crate) mod proxy;

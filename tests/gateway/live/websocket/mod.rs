//! The WebSocket itself, byte by byte (RFC 6455).

mod closing;
mod floods;
mod frames;
mod handshake;
mod liveness;
pub(crate) mod peer;

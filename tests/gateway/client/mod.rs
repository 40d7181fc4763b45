//! The reference client and `watch` against a scripted server: their requests after each kind of
//! disconnect, their events, and that no event is lost.

mod commands;
mod reconnect;
mod refusals;
mod server;
mod watch;

//! The reference client and `watch` against a scripted server: their requests after each kind of
//! disconnect, and their events, none of which may be lost.

mod commands;
mod hidden_fields;
mod reconnect;
mod refusals;
mod server;
mod tokens;
mod watch;

//! The reference client and `watch` against a scripted server: their requests after each kind of
//! disconnect, their events, and that no event is lost.

// clippy allows `unwrap` and `panic` in helpers of tests only in `cfg(test)`.
#[cfg(test)]
mod commands;
#[cfg(test)]
mod reconnect;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod server;
#[cfg(test)]
mod watch;

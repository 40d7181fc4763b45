//! The reference client and `watch` against a server that follows a script: what is asked for after
//! each kind of end, what is told, and that nothing is lost on the way.

// What a helper may do in a test, `unwrap` and `panic` included, clippy allows in `cfg(test)` only.
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

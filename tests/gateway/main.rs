//! The gateway and its command line from outside: their promises, call by call and frame by frame.

// `cfg(test)` is always set here. It tells clippy that helpers are tests too: they may panic.
#[cfg(test)]
mod api;
#[cfg(test)]
mod auth;
#[cfg(test)]
mod balancer;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod client;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod live;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod scale_out;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod views;

/// The JSON body of a person.
pub(crate) const ADA: &str =
    r#"{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician"}"#;
/// An id that no person has, unless a test saves one under it.
pub(crate) const UNUSED_ID: &str = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";

//! The gateway from outside: what it promises, call by call and frame by frame.

#[cfg(test)]
mod api;
#[cfg(test)]
#[path = "../support/collector.rs"]
mod collector;
#[cfg(test)]
mod faults;
#[cfg(test)]
#[path = "../support/http.rs"]
mod gateway;
#[cfg(test)]
mod live;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod oracle;
#[cfg(test)]
#[path = "../support/process/mod.rs"]
mod process;
mod rest;
#[cfg(test)]
mod scale_out;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
#[path = "../support/socket.rs"]
mod socket;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
#[path = "../support/switch.rs"]
mod switch;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod views;

/// A person's body.
pub(crate) const ADA: &str =
    r#"{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician"}"#;
/// An id that nobody has.
pub(crate) const NOBODY: &str = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";

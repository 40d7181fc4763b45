//! The console in a real browser: each test has its own gateway and Chromium.

// Clippy allows `unwrap` and `panic` in helpers of tests only in `cfg(test)`.
#[cfg(test)]
mod forms;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod origins;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod pictures;
#[cfg(test)]
#[path = "../support/port.rs"]
mod port;
#[cfg(test)]
mod scenes;
#[cfg(test)]
mod support;

//! The console in a real browser: each scene has a gateway and a Chromium of its own.

// What a helper may do in a test, `unwrap` and `panic` included, clippy allows in `cfg(test)` only.
#[cfg(test)]
mod browser;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod gateway;
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
mod proxy;
#[cfg(test)]
mod scenes;

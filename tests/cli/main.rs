//! The command line, run as users run it: what it prints, what it refuses and with which exit code,
//! how it ends.

// What a helper may do in a test, `unwrap` and `panic` included, clippy allows in `cfg(test)` only.
#[cfg(test)]
mod export;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod import;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod person;
#[cfg(test)]
#[path = "../support/port.rs"]
mod port;
#[cfg(test)]
mod process;
#[cfg(test)]
mod program;
#[cfg(test)]
#[path = "../support/pseudoterminal.rs"]
mod pseudoterminal;
#[cfg(test)]
mod script;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod watch;

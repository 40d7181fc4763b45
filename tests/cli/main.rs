//! The command line as users run it: its output, its refusals, and its exit codes.

// clippy allows `unwrap` and `panic` in helpers of tests only in `cfg(test)`.
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

//! The command line as users run it: its output, its errors, and its exit codes.

mod export;
mod hidden_fields;
mod hostile;
mod import;
mod manual;
mod person;
pub(crate) mod process;
mod program;
mod script;
mod terminal;
mod tls;
mod tokens;
mod watch;

//! The console in a browser, and the documents.

// `cfg(test)` is always set here. It tells clippy that helpers are test code too, and may panic.
#[cfg(test)]
mod console;
#[cfg(test)]
mod documents;

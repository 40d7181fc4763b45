//! What people look at: the console in a browser, and the documents.

// `cfg(test)` is always set here. It tells clippy that helpers are tests too: they may panic.
#[cfg(test)]
mod console;
#[cfg(test)]
mod documents;

//! The languages of clients: filters, live updates in every format, and rights.

// `cfg(test)` is always set here. It tells clippy that helpers are test code too, and may panic.
#[cfg(test)]
mod filters;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod rights;

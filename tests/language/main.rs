//! What clients write and read: filters, and live updates in every format.

// `cfg(test)` is always set here. It tells clippy that helpers are tests too: they may panic.
#[cfg(test)]
mod filters;
#[cfg(test)]
mod protocol;

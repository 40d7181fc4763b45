//! A store that holds what nobody of ours wrote: one damaged record costs one person, everybody
//! sees that something is wrong, and it can be mended; a write that may not do all does nothing.

mod records;
mod store;
mod torn;

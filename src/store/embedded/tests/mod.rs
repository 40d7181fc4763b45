//! The store on a disk that fails, and on a full disk: every answer is true.
//!
//! `disk` is the disk of these tests; `faults` and `full` use it.

mod disk;
mod faults;
mod full;

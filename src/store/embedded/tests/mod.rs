//! The store on a disk that fails and a disk that is full: every answer is the truth.
//!
//! `disk` is the disk of all these tests; `faults` and `full` use it.

mod disk;
mod faults;
mod full;

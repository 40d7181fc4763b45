//! REST: every row and every rule of the contract's section on it.

mod admin;
mod faults;
mod faulty;
mod filtered;
mod heads;
mod hosts;
mod idempotency;
mod import;
mod keep_alive;
mod limits;
mod list;
mod origins;
mod people;
mod preconditions;
mod refusals;
mod shutdown;

//! REST: every row and every rule of the contract's section on it.

mod admin;
mod connections;
mod faults;
mod faulty;
mod hosts;
mod list;
mod origins;
mod people;
mod refusals;
mod writes;

//! REST: each call and each rule of the protocol.

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

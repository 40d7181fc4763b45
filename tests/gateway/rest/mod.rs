//! REST: each call and each rule of the protocol.

mod admin;
mod connections;
mod failing_store;
mod hosts;
mod list;
mod origins;
mod outages;
mod people;
mod refusals;
mod writes;

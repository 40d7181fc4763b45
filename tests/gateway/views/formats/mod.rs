//! The formats beside people.v1.json.

mod events;
mod negotiation;
mod text;

//! The wire formats from outside: every message in every format to the letter, what holds for any
//! text, and the examples of docs/asyncapi.yaml.

mod asyncapi;
mod formats;
mod properties;
mod samples;
mod snapshot_pages;
mod wire;

//! The wire formats from outside: the exact bytes of every message in every format, properties for
//! any text, and the examples of docs/asyncapi.yaml.

mod asyncapi;
mod formats;
mod properties;
mod samples;
mod snapshot_pages;
pub(crate) mod wire;

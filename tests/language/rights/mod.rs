//! The promises of rights, checked against a judge that knows nothing of scopes: it asks the rule
//! and the filter one after the other, and masks with `serde_json`.

mod claims;
mod sample;
mod views;
mod writes;

//! What filters and views promise: against another reader of CEL, against histories, against any text.

mod any_text;
mod grammar;
mod meaning;
mod oracle;
mod people;
mod views;

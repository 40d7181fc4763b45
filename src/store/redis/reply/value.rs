//! Reads one value as a list, a text, a number or fields. A value of another shape is an error.

use std::str::FromStr;

use ::redis::Value;

use crate::domain::FieldsJson;
use crate::store::{Cause, StoreError};

pub(in crate::store::redis) fn list(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(corrupt("a list was expected")),
    }
}

pub(in crate::store::redis) fn text(value: Value) -> Result<String, StoreError> {
    match value {
        Value::BulkString(bytes) => {
            String::from_utf8(bytes).map_err(|_| corrupt("a text that is not UTF-8"))
        }
        Value::SimpleString(text) => Ok(text),
        _ => Err(corrupt("a text was expected")),
    }
}

pub(super) fn bytes(value: Value) -> Result<Vec<u8>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        _ => Err(corrupt("a text was expected")),
    }
}

pub(super) fn next(parts: &mut impl Iterator<Item = Value>) -> Result<Value, StoreError> {
    parts
        .next()
        .ok_or_else(|| corrupt("an answer ends too early"))
}

pub(super) fn parse<T: FromStr>(parts: &mut impl Iterator<Item = Value>) -> Result<T, StoreError> {
    parsed(&text(next(parts)?)?)
}

pub(super) fn parsed<T: FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse()
        .map_err(|_| corrupt("a value has an unexpected form"))
}

/// Reads fields as JSON; the empty text means that there are none.
pub(super) fn image(text: &str) -> Result<Option<FieldsJson>, StoreError> {
    if text.is_empty() {
        return Ok(None);
    }
    FieldsJson::from_stored(text)
        .map(Some)
        .map_err(|error| StoreError::Corrupt(Cause::of(error)))
}

pub(super) fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(what.into())
}

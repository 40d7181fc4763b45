//! What a digest of rights is made of: texts with their lengths, and claims in one form.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// One text for equal claims: the order of a list, and what is in it twice, mean nothing to a rule.
pub(super) fn canonical(value: &Value) -> String {
    let Value::Array(items) = value else {
        return value.to_string();
    };
    let mut items: Vec<String> = items.iter().map(Value::to_string).collect();
    items.sort_unstable();
    items.dedup();
    format!("[{}]", items.join(","))
}

/// Adds a text with its length, so that different texts never give the same input.
pub(super) fn add(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}

//! The problem documents with which the gateway refuses (RFC 9457).

use serde::Deserialize;

/// A problem document (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProblemDetails {
    /// The type, such as `/problems/filter`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// What is wrong and how to correct it, in words.
    #[serde(default)]
    pub detail: String,
    /// For a filter: the start of the fault, in code points from 0.
    pub offset: Option<usize>,
    /// For a filter: the length of the fault in code points.
    pub length: Option<usize>,
    /// For a token: why it is refused, such as `missing`, `expired` or `signature`.
    pub reason: Option<String>,
    /// The HTTP status of this problem.
    pub status: Option<u16>,
    /// For a person: the wrong values.
    #[serde(default)]
    pub errors: Vec<WrongValue>,
}

/// A wrong value of a person.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WrongValue {
    /// The path to the value (JSON Pointer, RFC 6901).
    pub pointer: String,
    /// What to send instead.
    pub detail: String,
}

impl ProblemDetails {
    /// The problem in one line: each wrong value, or the detail, or at least the status.
    pub fn words(&self) -> String {
        match (self.errors.as_slice(), self.detail.as_str(), self.status) {
            ([], "", Some(status)) => return format!("the gateway refused with status {status}"),
            ([], detail, _) => return detail.to_owned(),
            _ => {}
        }
        let words = self.errors.iter().map(|WrongValue { pointer, detail }| {
            match pointer.strip_prefix('/') {
                Some(name) => format!("{name}: {detail}"),
                None => detail.clone(),
            }
        });
        words.collect::<Vec<_>>().join("; ")
    }
}

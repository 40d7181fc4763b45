//! Writes through a mask: the caller edits the person that it sees, and what it does not see
//! stays.

use serde_json::{Map, Value};

use super::mask::{Mask, Shown};
use crate::domain::{Fault, FieldsJson, Rejection};

/// What null means in a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Null {
    /// It is a value; only `attributes` may be null in place of nothing.
    Value,
    /// It removes a value, as in a merge patch.
    Removes,
}

impl Mask {
    /// Refuses a body that names something hidden.
    pub(super) fn check_names(&self, body: &Map<String, Value>) -> Result<(), Rejection> {
        let mut faults = Vec::new();
        self.each(body, &mut Vec::new(), &mut |path, shown, _| {
            if shown == Shown::None {
                faults.push(fault(path, "is hidden from you: leave it out"));
            }
        });
        refused(faults)
    }

    /// Refuses a value where only an object leaves room for hidden parts. It may stand where the
    /// person has no object either: then there are no hidden parts.
    pub(super) fn check_room(
        &self,
        body: &Map<String, Value>,
        null: Null,
        before: Option<&Map<String, Value>>,
    ) -> Result<(), Rejection> {
        let mut faults = Vec::new();
        self.each(body, &mut Vec::new(), &mut |path, shown, value| {
            let Shown::Parts { others } = shown else {
                return;
            };
            let is_none = value.is_null() && (null == Null::Removes || path.len() == 1);
            let has_other = before
                .and_then(|before| value_at(before, path))
                .is_some_and(|value| !value.is_object());
            if is_none || (others && has_other) {
                return;
            }
            let detail = "has parts that are hidden from you: send an object, or leave it out";
            faults.push(fault(path, detail));
        });
        refused(faults)
    }

    /// Visits the values of a body that are hidden, or stand where parts are; with the way to each.
    fn each<'b>(
        &self,
        members: &'b Map<String, Value>,
        path: &mut Vec<&'b str>,
        visit: &mut dyn FnMut(&[&str], Shown, &Value),
    ) {
        for (name, value) in members {
            path.push(name);
            match (self.shows(path), value) {
                (Shown::Whole, _) => {}
                (Shown::Parts { .. }, Value::Object(inner)) => self.each(inner, path, visit),
                (shown, value) => visit(path, shown, value),
            }
            path.pop();
        }
    }

    /// Lays the hidden part of `before` over what the caller made of the rest.
    pub(super) fn overlay(
        &self,
        before: &FieldsJson,
        edited: &mut Map<String, Value>,
    ) -> Result<(), Rejection> {
        let mut faults = Vec::new();
        self.lay_over(&before.to_members(), edited, &mut Vec::new(), &mut faults);
        refused(faults)
    }

    fn lay_over<'b>(
        &self,
        before: &'b Map<String, Value>,
        edited: &mut Map<String, Value>,
        path: &mut Vec<&'b str>,
        faults: &mut Vec<Fault>,
    ) {
        for (name, value) in before {
            path.push(name);
            match (self.shows(path), value) {
                (Shown::None, _) => drop(edited.insert(name.clone(), value.clone())),
                (Shown::Parts { others }, Value::Object(inner)) => {
                    if let Some(Value::Object(kept)) = edited.get_mut(name) {
                        self.lay_over(inner, kept, path, faults);
                    } else {
                        let mut kept = Map::new();
                        self.lay_over(inner, &mut kept, path, faults);
                        if !kept.is_empty() || (inner.is_empty() && !others) {
                            edited.insert(name.clone(), kept.into());
                        }
                    }
                }
                (Shown::Parts { others: false }, _) => match edited.get(name) {
                    None | Some(Value::Null) => drop(edited.insert(name.clone(), value.clone())),
                    Some(_) => {
                        faults.push(fault(path, "has a value that is hidden: leave it out"));
                    }
                },
                (Shown::Whole | Shown::Parts { others: true }, _) => {}
            }
            path.pop();
        }
    }
}

fn refused(faults: Vec<Fault>) -> Result<(), Rejection> {
    if faults.is_empty() {
        return Ok(());
    }
    Err(Rejection::Invalid(faults))
}

/// The value at the end of these names.
pub(super) fn value_at<'v, N: AsRef<str>>(
    members: &'v Map<String, Value>,
    names: &[N],
) -> Option<&'v Value> {
    let (first, others) = names.split_first()?;
    let mut others = others.iter();
    others.try_fold(members.get(first.as_ref())?, |value, name| {
        value.get(name.as_ref())
    })
}

fn fault(path: &[&str], detail: &str) -> Fault {
    let escaped = |name: &&str| format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    Fault {
        pointer: path.iter().map(escaped).collect(),
        detail: detail.into(),
    }
}

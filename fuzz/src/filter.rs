//! Filters and rules.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use people_gateway::domain::FieldsJson;
use people_gateway::filter::{
    Filter, FilterError, Images, Index, Kinds, Rule, Scoped, Verdict, View,
};
use people_gateway::rights::Scope;
use serde_json::Map;

use crate::{parts, sample};

/// Steps of patterns beyond which a filter is not evaluated here. The gateway does that on a thread
/// of its own.
const STEPS_MAX: u64 = 1_000_000;
const KINDS: [Kinds; 3] = [Kinds::All, Kinds::Saves, Kinds::Deletes];

/// Reads a filter, and the fields of a person before and after a change (samples where they are
/// missing or none). An error lies within the text. A filter equals itself read again, is found by
/// the index wherever it matches, and is the same as a rule that names no claim.
pub fn filter(input: &[u8]) {
    let Some(mut parts) = parts(input) else {
        return;
    };
    let text = parts.next().unwrap_or_default();
    let mut fields = || {
        let part = parts.next();
        part.and_then(|text| FieldsJson::from_stored(text).ok())
            .unwrap_or_else(sample::fields)
    };
    let (before, after) = (fields(), fields());
    let read = Filter::parse(text);
    check_rule(text, read.as_ref().ok(), &before);
    match read {
        Ok(filter) => check_filter(&filter, text, &before, &after),
        Err(error) => check_error(&error, text),
    }
}

fn check_error(error: &FilterError, text: &str) {
    assert!(error.offset + error.length <= text.chars().count());
    assert!(!error.detail.is_empty());
}

fn check_rule(text: &str, filter: Option<&Filter>, person: &FieldsJson) {
    let rule = match Rule::parse(text) {
        Ok(rule) => rule,
        Err(error) => return check_error(&error, text),
    };
    let unbound = rule.bind(&Map::new());
    assert_eq!(unbound.is_ok(), rule.claims().is_empty());
    if let Ok(unbound) = unbound {
        assert_eq!(Some(&unbound), filter);
    }
    if let Ok(bound) = rule.bind(&sample::claims())
        && bound.steps(sample::id(), person) <= STEPS_MAX
    {
        bound.matches(sample::id(), person);
    }
}

fn check_filter(filter: &Filter, text: &str, before: &FieldsJson, after: &FieldsJson) {
    assert_eq!(filter.text(), text);
    let again = Filter::parse(text).expect("it was read before");
    assert_eq!(*filter, again);
    assert_eq!(hash(filter), hash(&again));
    let matches = |fields: &FieldsJson| {
        (filter.steps(sample::id(), fields) <= STEPS_MAX)
            .then(|| filter.matches(sample::id(), fields))
    };
    let (Some(was_in), Some(is_in)) = (matches(before), matches(after)) else {
        return;
    };
    let scoped = Scope::everything()
        .filter(text)
        .expect("everything may be asked for");
    check_index(&scoped, [(before, was_in), (after, is_in)]);
}

/// Whether the index finds the views of all kinds that see a person come, change and go.
fn check_index(filter: &Scoped, [before, after]: [(&FieldsJson, bool); 2]) {
    let mut index = Index::default();
    let views = KINDS.map(|kinds| View {
        kinds,
        filter: filter.clone(),
    });
    for (number, view) in (0..).zip(&views) {
        index.add(number, view);
    }
    for (before, after) in [
        (None, Some(before)),
        (Some(before), Some(after)),
        (Some(after), None),
    ] {
        let images = Images::new(
            sample::id(),
            before.map(|(fields, _)| fields),
            after.map(|(fields, _)| fields),
        );
        let expected = verdict(before.map(|(_, was)| was), after.map(|(_, is)| is));
        let mut found = Vec::new();
        index.candidates(&images, &mut found);
        for (number, view) in (0..).zip(&views) {
            let verdict = view.verdict(&images);
            let shown = expected.is_shown_by(view.kinds);
            assert_eq!(verdict, if shown { expected } else { Verdict::Outside });
            assert!(verdict == Verdict::Outside || found.contains(&number));
        }
    }
    (0..)
        .zip(&views)
        .for_each(|(number, _)| index.remove(number));
    assert_eq!(index.census(), Index::default().census(), "nothing is left");
}

/// The verdict of a view that shows every kind, from whether the person matched and matches.
fn verdict(before: Option<bool>, after: Option<bool>) -> Verdict {
    match (before.unwrap_or(false), after.unwrap_or(false)) {
        (false, false) => Verdict::Outside,
        (true, true) => Verdict::Update,
        (false, true) if before.is_none() => Verdict::Create,
        (false, true) => Verdict::Enter,
        (true, false) if after.is_none() => Verdict::Delete,
        (true, false) => Verdict::Leave,
    }
}

fn hash(filter: &Filter) -> u64 {
    let mut hasher = DefaultHasher::new();
    filter.hash(&mut hasher);
    hasher.finish()
}

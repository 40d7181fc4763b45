//! What a caller is not shown of people: paths that are hidden, or all but the paths that are
//! shown.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

use crate::domain::{FieldsJson, Members};
use crate::filter::FieldPath;

/// Names that no rights hide.
pub(super) const ALWAYS_SHOWN: [&str; 4] = ["id", "revision", "createdAt", "updatedAt"];

/// The hidden parts of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// In order, none below another.
    hide: Vec<FieldPath>,
    /// The same; none where everything is shown but what is hidden.
    show: Option<Vec<FieldPath>>,
    times: Times,
    /// The hash of all: each change is looked up by it, once for each group that it reaches.
    hash: u64,
}

/// Which of the times that the store knows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Times {
    /// `createdAt`.
    pub(super) created: bool,
    /// `updatedAt`.
    pub(super) updated: bool,
}

impl Times {
    pub(super) const NONE: Self = Self {
        created: false,
        updated: false,
    };
}

/// Both.
impl Default for Times {
    fn default() -> Self {
        Self {
            created: true,
            updated: true,
        }
    }
}

/// How much of a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shown {
    /// Nothing.
    None,
    /// Of an object, some parts. Any other value is shown whole where parts are hidden, and not at
    /// all where parts are shown.
    Parts {
        /// Whether any other value is shown.
        others: bool,
    },
    /// All of it.
    Whole,
}

impl Mask {
    /// One that hides these paths, and shows only those of `show` where there are some.
    pub fn new(hide: Vec<FieldPath>, show: Option<Vec<FieldPath>>) -> Self {
        Self::of(hide, show, Times::default())
    }

    /// One that shows these paths and times only.
    pub(super) fn showing(paths: Vec<FieldPath>, times: Times) -> Self {
        Self::of(Vec::new(), Some(paths), times)
    }

    fn of(hide: Vec<FieldPath>, show: Option<Vec<FieldPath>>, times: Times) -> Self {
        let (hide, show) = (outermost(hide), show.map(outermost));
        let mut hasher = DefaultHasher::new();
        (&hide, &show, times).hash(&mut hasher);
        Self {
            hide,
            show,
            times,
            hash: hasher.finish(),
        }
    }

    /// One that hides what either hides.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let hide = [&self.hide[..], &other.hide].concat();
        let show = match (&self.show, &other.show) {
            (Some(one), Some(two)) => Some(common(one, two)),
            (one, two) => one.clone().or_else(|| two.clone()),
        };
        let times = Times {
            created: self.times.created && other.times.created,
            updated: self.times.updated && other.times.updated,
        };
        Self::of(hide, show, times)
    }

    /// Whether it hides nothing.
    pub fn is_empty(&self) -> bool {
        self.hide.is_empty() && self.show.is_none() && self.times == Times::default()
    }

    /// The times that are shown.
    pub(super) fn times(&self) -> Times {
        self.times
    }

    /// The hidden paths.
    pub fn hidden(&self) -> &[FieldPath] {
        &self.hide
    }

    /// The paths outside of which everything is hidden.
    pub fn shown(&self) -> Option<&[FieldPath]> {
        self.show.as_deref()
    }

    /// Whether a condition on this path could tell something hidden: it is hidden, lies below
    /// something hidden, or has hidden parts.
    pub fn hides(&self, path: &FieldPath) -> bool {
        let names: Vec<&str> = path.names().iter().map(|name| &**name).collect();
        self.shows(&names) != Shown::Whole
    }

    /// Whether it hides the whole value of this path.
    pub(super) fn hides_all_of(&self, path: &FieldPath) -> bool {
        let names: Vec<&str> = path.names().iter().map(|name| &**name).collect();
        self.shows(&names) == Shown::None
    }

    /// Whether it hides this value of every person: a name that stands for the whole value.
    pub fn hides_field(&self, name: &str) -> bool {
        self.shows(&[name]) == Shown::None
    }

    /// How much of the value at the end of these names is shown.
    pub(super) fn shows(&self, names: &[&str]) -> Shown {
        if let [name] = names
            && ALWAYS_SHOWN.contains(name)
        {
            return Shown::Whole;
        }
        let hidden = match relation(&self.hide, names) {
            PathRelation::Within => Shown::None,
            PathRelation::Around => Shown::Parts { others: true },
            PathRelation::Apart => Shown::Whole,
        };
        let Some(show) = &self.show else {
            return hidden;
        };
        let shown = match relation(show, names) {
            PathRelation::Within => Shown::Whole,
            PathRelation::Around => Shown::Parts { others: false },
            PathRelation::Apart => Shown::None,
        };
        hidden.min(shown)
    }

    /// The fields without what is hidden.
    pub fn apply(&self, fields: &FieldsJson) -> Map<String, Value> {
        let mut text = String::from("{");
        self.write_members(fields, &mut text);
        close(&mut text);
        serde_json::from_str(&text).expect("parts of an object, in an object")
    }

    /// Appends the members that are shown, each with a comma behind it. An object that the mask
    /// empties is left out: it looks like one that is not there.
    pub(super) fn write_members(&self, fields: &FieldsJson, out: &mut String) {
        self.write_shown(fields.as_str(), &[], out);
    }

    /// The same of an object that is found behind these names.
    fn write_shown(&self, object: &str, outer: &[&str], out: &mut String) {
        let members: Members<'_> = serde_json::from_str(object).expect("an object");
        for (name, value) in members.0 {
            let names = [outer, &[name.as_str()]].concat();
            let shown = self.shows(&names);
            let value = value.get();
            let has_parts = value.starts_with('{') && value != "{}";
            let is_shown = match shown {
                Shown::None => false,
                Shown::Whole => true,
                Shown::Parts { others } => others || has_parts,
            };
            if !is_shown {
                continue;
            }
            let begin = out.len();
            write!(out, "{}:", Value::from(name.as_str())).expect("a String takes all");
            if shown == Shown::Whole || !has_parts {
                out.push_str(value);
            } else {
                out.push('{');
                let inside = out.len();
                self.write_shown(value, &names, out);
                if out.len() == inside {
                    out.truncate(begin);
                    continue;
                }
                close(out);
            }
            out.push(',');
        }
    }
}

/// Ends an object whose members have commas behind them.
fn close(object: &mut String) {
    if object.ends_with(',') {
        object.pop();
    }
    object.push('}');
}

/// Hides nothing.
impl Default for Mask {
    fn default() -> Self {
        Self::new(Vec::new(), None)
    }
}

impl Hash for Mask {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

/// How names relate to a set of paths.
enum PathRelation {
    /// They lead to one of them, or below it.
    Within,
    /// One of them lies below.
    Around,
    /// Neither.
    Apart,
}

fn relation(paths: &[FieldPath], names: &[&str]) -> PathRelation {
    let mut around = false;
    for path in paths {
        let mut pairs = path.names().iter().zip(names);
        if pairs.all(|(one, other)| **one == **other) {
            if path.names().len() <= names.len() {
                return PathRelation::Within;
            }
            around = true;
        }
    }
    if around {
        PathRelation::Around
    } else {
        PathRelation::Apart
    }
}

/// In order, and without those that lie below another.
fn outermost(mut paths: Vec<FieldPath>) -> Vec<FieldPath> {
    paths.sort_unstable();
    // A path comes right before those that it covers.
    paths.dedup_by(|next, kept| kept.covers(next));
    paths
}

/// What lies within both sets.
fn common(one: &[FieldPath], two: &[FieldPath]) -> Vec<FieldPath> {
    let within = |inner: &[FieldPath], outer: &[FieldPath]| {
        let is_covered = |path: &&FieldPath| outer.iter().any(|cover| cover.covers(path));
        inner.iter().filter(is_covered).cloned().collect::<Vec<_>>()
    };
    [within(one, two), within(two, one)].concat()
}

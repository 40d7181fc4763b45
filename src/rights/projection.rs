//! The parts of people that a caller asks for, of those that it may see.

use std::str::FromStr;

use super::mask::{Mask, Times};
use crate::filter::{FieldPath, FilterError};

/// The most paths of a projection.
const PATHS_MAX: usize = 64;

/// The parts of people that are shown beside `id` and `revision`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Projection {
    paths: Vec<FieldPath>,
    times: Times,
}

/// A text that is no projection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProjection {
    /// It has more paths than are allowed.
    #[error("it has more than {PATHS_MAX} paths: ask for attributes as a whole")]
    TooLong,
    /// One of its parts is no path.
    #[error(
        "{path:?} is none of id, revision, createdAt, updatedAt, firstName, lastName, age, job, \
         attributes, or a path below attributes, such as attributes.address.city ({why})"
    )]
    Path {
        /// The part.
        path: String,
        /// Why it is no path.
        why: FilterError,
    },
}

impl Projection {
    /// The paths of values that users gave.
    pub(super) fn paths(&self) -> &[FieldPath] {
        &self.paths
    }

    /// What is left out of people.
    pub(super) fn mask(&self) -> Mask {
        Mask::showing(self.paths.clone(), self.times)
    }
}

/// Reads paths between commas. No path is one, too: then only `id` and `revision` are shown.
impl FromStr for Projection {
    type Err = InvalidProjection;

    fn from_str(text: &str) -> Result<Self, InvalidProjection> {
        let mut projection = Self {
            paths: Vec::new(),
            times: Times::NONE,
        };
        for (number, part) in parts(text).enumerate() {
            if number >= PATHS_MAX {
                return Err(InvalidProjection::TooLong);
            }
            match part.trim() {
                "" if text.trim().is_empty() => {}
                "id" | "revision" => {}
                "createdAt" => projection.times.created = true,
                "updatedAt" => projection.times.updated = true,
                path => projection.paths.push(path.parse().map_err(|why| {
                    let path = path.to_owned();
                    InvalidProjection::Path { path, why }
                })?),
            }
        }
        // Equal projections are equal, however they are written.
        projection.paths.sort_unstable();
        projection.paths.dedup();
        Ok(projection)
    }
}

/// The parts between commas that stand outside of quotes.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |character| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match character {
            '"' if !was_escaped => is_quoted = !is_quoted,
            '\\' if is_quoted && !was_escaped => is_escaped = true,
            ',' => return !is_quoted,
            _ => {}
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Projection, InvalidProjection> {
        text.parse()
    }

    #[test]
    fn paths_stand_between_commas() {
        let paths = |text: &str| {
            let paths = read(text).expect(text).paths;
            paths.iter().map(FieldPath::to_string).collect::<Vec<_>>()
        };
        assert_eq!(paths("job, firstName,job"), ["firstName", "job"]);
        assert_eq!(paths("id,revision"), [""; 0]);
        assert_eq!(paths(""), [""; 0]);
        assert_eq!(
            paths(r#"attributes["a,\"b"].c,age"#),
            ["age", r#"attributes["a,\"b"].c"#]
        );
    }

    #[test]
    fn order_and_repetition_make_no_difference() {
        assert_eq!(read("job,createdAt,age"), read("age,age,job,createdAt,id"));
        assert_ne!(read("job,createdAt"), read("job,updatedAt"));
    }

    #[test]
    fn what_is_no_path_is_named() {
        for text in [
            "nickname",
            "job,",
            ",",
            "job,attributes.",
            "job.x",
            "\"job\"",
        ] {
            let refused = read(text).expect_err(text).to_string();
            assert!(refused.contains("firstName"), "{text}: {refused}");
        }
        let most = vec!["job"; PATHS_MAX].join(",");
        assert!(read(&most).is_ok());
        assert_eq!(
            read(&format!("{most},job")),
            Err(InvalidProjection::TooLong)
        );
    }
}

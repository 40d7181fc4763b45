//! Query strings: form-urlencoded, each parameter once, and none that the path does not know. A
//! mistyped `where` must not show everyone.

use percent_encoding::percent_decode_str;

use crate::protocol::problem::{Problem, ProblemKind};

/// The parameters of one request.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query string whose parameters are all among `known`.
    pub(super) fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let query = query.unwrap_or_default();
        if percent_decode_str(query).decode_utf8().is_err() {
            return Err(malformed("The query must be UTF-8, form-urlencoded."));
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !known.contains(&&*name) {
                let known = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                return Err(malformed(format!(
                    "There is no parameter {name:?} here; there is: {known}."
                )));
            }
            if parameters.iter().any(|(seen, _)| *seen == name) {
                return Err(malformed(format!(
                    "The parameter {name} is given twice: send it once."
                )));
            }
            parameters.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(parameters))
    }

    /// Checks that there are no parameters.
    pub(super) fn none(query: Option<&str>) -> Result<(), Problem> {
        Self::parse(query, &[]).map(drop)
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::Malformed, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_form_urlencoded() {
        let query = Some("where=age+%3E%3D+3&&x=%C3%A5&limit=");
        let parameters = Parameters::parse(query, &["where", "limit", "x"]).expect("parameters");
        assert_eq!(parameters.get("where"), Some("age >= 3"));
        assert_eq!(parameters.get("x"), Some("å"));
        assert_eq!(parameters.get("limit"), Some(""));
        assert_eq!(parameters.get("after"), None);
        let parameters =
            Parameters::parse(Some("where=%EF%BF%BD"), &["where"]).expect("it is UTF-8");
        assert_eq!(parameters.get("where"), Some("\u{fffd}"));
    }

    #[test]
    fn unknown_repeated_and_undecodable_parameters_are_refused() {
        for query in [
            "wher=1",
            "where=1&where=1",
            "where=%ff",
            "where=%c3&limit=%a5",
            "Where=1",
            "=1",
        ] {
            assert!(
                Parameters::parse(Some(query), &["where"]).is_err(),
                "{query}"
            );
        }
        assert!(Parameters::none(Some("a")).is_err());
        assert!(Parameters::none(None).is_ok());
    }
}

//! Query strings: form-urlencoded UTF-8, each parameter once.
//!
//! A parameter that the path does not know is refused: a mistyped `where` must not show everyone.

use std::str::Utf8Error;

use percent_encoding::percent_decode_str;

use crate::http::refusal::malformed;
use crate::protocol::problem::Problem;

/// Parameters that other services take a token in.
const CREDENTIALS: [&str; 4] = ["token", "access_token", "authorization", "jwt"];

/// The parameters of one request, decoded, in the order of the query.
#[derive(Debug)]
pub(in crate::http) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query whose parameters are all among `known`.
    pub(in crate::http) fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let pairs: Vec<_> = parts(query.unwrap_or_default())
            .map(pair)
            .collect::<Result<_, _>>()
            .map_err(|_| malformed("The query must be UTF-8, form-urlencoded."))?;
        for (index, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                if CREDENTIALS.contains(&name.as_str()) {
                    return Err(misplaced_credential(name));
                }
                let known = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                return Err(malformed(format!(
                    "There is no parameter {name:?} here; there is: {known}."
                )));
            }
            if pairs[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(malformed(format!(
                    "The parameter {name} is given twice: send it once."
                )));
            }
        }
        Ok(Self(pairs))
    }

    /// Checks that there are no parameters.
    pub(in crate::http) fn none(query: Option<&str>) -> Result<(), Problem> {
        Self::parse(query, &[]).map(drop)
    }

    /// The value of a parameter.
    pub(in crate::http) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The name of a parameter that other services take a token in, if the query has one.
pub(in crate::http) fn credential(query: Option<&str>) -> Option<&'static str> {
    parts(query?).find_map(|part| {
        let (name, _) = pair(part).ok()?;
        CREDENTIALS.into_iter().find(|known| *known == name)
    })
}

/// The refusal of a token in the query.
pub(in crate::http) fn misplaced_credential(name: &str) -> Problem {
    malformed(format!(
        "There is no parameter {name} here: a query is kept in logs and histories. Send the token \
         as Authorization: Bearer TOKEN, or with a WebSocket as the subprotocol bearer.TOKEN."
    ))
}

/// The parameters of a query as the client encoded them, without those of this name.
pub(in crate::http) fn without<'q>(query: &'q str, name: &str) -> impl Iterator<Item = &'q str> {
    parts(query).filter(move |part| pair(part).is_ok_and(|(given, _)| given != name))
}

fn parts(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(|part| !part.is_empty())
}

/// Name and value; a parameter without `=` has an empty value.
fn pair(part: &str) -> Result<(String, String), Utf8Error> {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    Ok((decoded(name)?, decoded(value)?))
}

/// Decodes `+` and `%XX` (WHATWG URL, section 5.1), but refuses bytes that are not UTF-8. The
/// standard replaces them by U+FFFD, which a client may also send on purpose.
fn decoded(text: &str) -> Result<String, Utf8Error> {
    let text = text.replace('+', " ");
    Ok(percent_decode_str(&text).decode_utf8()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_form_urlencoded() {
        let query = Some("where=age+%3E%3D+3&&x=%C3%A5%2B%zz&limit=");
        let parameters = Parameters::parse(query, &["where", "limit", "x"]).expect("parameters");
        assert_eq!(parameters.get("where"), Some("age >= 3"));
        assert_eq!(parameters.get("x"), Some("å+%zz"));
        assert_eq!(parameters.get("limit"), Some(""));
        assert_eq!(parameters.get("after"), None);
        let parameters =
            Parameters::parse(Some("where=%EF%BF%BD"), &["where"]).expect("valid UTF-8");
        assert_eq!(parameters.get("where"), Some("\u{fffd}"));
        let parameters = Parameters::parse(Some("%77here=a=b"), &["where"]).expect("parameters");
        assert_eq!(parameters.get("where"), Some("a=b"));
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

    #[test]
    fn a_parameter_is_removed_in_any_encoding_and_the_others_stay_unchanged() {
        let kept = |query| without(query, "after").collect::<Vec<_>>();
        assert_eq!(
            kept("where=a+b&&after=x&%61fter=y&after&limit=%31"),
            ["where=a+b", "limit=%31"]
        );
        assert!(kept("").is_empty());
    }
}

//! Errors of calls, with what to do.

use anyhow::anyhow;
use people_client::rest::RestError;
use people_client::{ProblemDetails, TlsFault};

use super::credential::TOKEN_VARIABLE;
use crate::cli::terminal::{is_unseen, visible};

/// The advice if no gateway answers.
pub(in crate::cli) const NO_GATEWAY_ADVICE: &str = "Is a gateway running there? \
    `people-gateway` starts one; --url or PEOPLE_GATEWAY_URL names another.";

/// An error of a call with advice.
pub(in crate::cli) fn with_advice(error: RestError) -> anyhow::Error {
    match &error {
        RestError::Unreachable { .. } => {
            anyhow!("{error}. {NO_GATEWAY_ADVICE}")
        }
        RestError::Tls { fault, .. } => with_tls_advice(&error, fault),
        RestError::Refused(refusal) => match &refusal.problem {
            Some(problem) => {
                token_fault(problem).unwrap_or_else(|| anyhow!("{}", visible(&problem.words())))
            }
            None => anyhow!("{error}"),
        },
        RestError::NoToken(_) | RestError::Cut { .. } | RestError::NoGateway { .. } => {
            anyhow!("{error}")
        }
    }
}

/// A refused or missing token with advice; `None` if the problem is not about the token.
pub(in crate::cli) fn token_fault(problem: &ProblemDetails) -> Option<anyhow::Error> {
    if problem.kind != "/problems/token" {
        return None;
    }
    let verb = if problem.reason.as_deref() == Some("missing") {
        "Set"
    } else {
        "Renew the token of"
    };
    Some(anyhow!(
        "{} {verb} {TOKEN_VARIABLE} or --token-file; `people-gateway token --sub NAME` makes one \
         where the gateway has its own key.",
        visible(&problem.words())
    ))
}

/// An error of TLS with advice.
pub(in crate::cli) fn with_tls_advice(
    error: &dyn std::error::Error,
    fault: &TlsFault,
) -> anyhow::Error {
    let advice = match fault {
        TlsFault::UnknownIssuer => {
            "--ca FILE (or PEOPLE_GATEWAY_CA) adds the certificate of an authority to trust."
        }
        TlsFault::Expired(_) => "Renew it on the server, if the clock here is right.",
        TlsFault::NotYetValid(_) => "Is the clock here right?",
        TlsFault::WrongName { .. } => "Use an address with a name that the certificate has.",
        TlsFault::Authority => {
            "The server needs a certificate of its own, signed by that authority; --ca FILE names \
             the authority here."
        }
        TlsFault::NotTls => "Without TLS, the address begins with http://.",
        TlsFault::NobodyTrusted => {
            "Install them (Debian: ca-certificates), or name one with --ca FILE."
        }
        TlsFault::Other(_) => return anyhow!("{error}"),
    };
    anyhow!("{error}. {advice}")
}

/// As [`with_advice`]. If the filter is at fault, marks the place.
pub(in crate::cli) fn with_filter_mark(error: RestError, condition: &str) -> anyhow::Error {
    let problem = error.refusal().and_then(|refusal| refusal.problem.as_ref());
    problem
        .and_then(|problem| filter_fault(problem, condition))
        .unwrap_or_else(|| with_advice(error))
}

/// The fault of a filter with a mark under it; `None` if the problem is not about the filter.
pub(in crate::cli) fn filter_fault(
    problem: &ProblemDetails,
    condition: &str,
) -> Option<anyhow::Error> {
    let offset = problem.offset?;
    // A line break or a tab would move the mark.
    let shown: String = condition
        .chars()
        .map(|c| if is_unseen(c) { ' ' } else { c })
        .collect();
    let after = condition.chars().count().saturating_sub(offset);
    let mark = "^".repeat(problem.length.unwrap_or(1).min(after).max(1));
    let indent = " ".repeat(condition.chars().count() - after);
    Some(anyhow!(
        "the filter is refused: {}\n  {shown}\n  {indent}{mark}",
        visible(&problem.detail)
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(condition: &str, offset: usize, length: usize) -> String {
        let problem =
            json!({"type": "/problems/filter", "detail": "no", "offset": offset, "length": length});
        filter_fault(&serde_json::from_value(problem).unwrap(), condition)
            .unwrap()
            .to_string()
    }

    #[test]
    fn a_refused_token_comes_with_advice() {
        for (reason, advice) in [
            ("missing", "no. Set PEOPLE_GATEWAY_TOKEN or --token-file; "),
            (
                "expired",
                "no. Renew the token of PEOPLE_GATEWAY_TOKEN or --token-file; ",
            ),
        ] {
            let problem = json!({"type": "/problems/token", "detail": "no.", "reason": reason});
            let fault = token_fault(&serde_json::from_value(problem).unwrap()).unwrap();
            assert!(fault.to_string().starts_with(advice), "{fault}");
        }
        let other = json!({"type": "/problems/forbidden", "detail": "no."});
        assert!(token_fault(&serde_json::from_value(other).unwrap()).is_none());
    }

    #[test]
    fn the_fault_of_a_filter_is_marked() {
        assert_eq!(
            shown("job = 1", 4, 1),
            "the filter is refused: no\n  job = 1\n      ^"
        );
        assert_eq!(
            shown("é\n\u{1b}age > x", 9, 1),
            "the filter is refused: no\n  é  age > x\n           ^"
        );
        // At the end, and beyond it, where no server should point.
        assert_eq!(
            shown("age >", 5, 0),
            "the filter is refused: no\n  age >\n       ^"
        );
        assert_eq!(
            shown("age", usize::MAX, usize::MAX),
            "the filter is refused: no\n  age\n     ^"
        );
        assert_eq!(
            shown("age", 1, usize::MAX),
            "the filter is refused: no\n  age\n   ^^"
        );
    }
}

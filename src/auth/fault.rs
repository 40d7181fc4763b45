//! Why a token is refused.

use std::time::Duration;

use hyper::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::protocol::problem::{Problem, ProblemKind};
use crate::telemetry::Label;

/// A refused token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFault {
    /// The kind of fault: the problem's `reason`.
    pub reason: TokenFaultReason,
    /// What is wrong and what to do. It repeats no part of the token.
    pub detail: String,
}

impl TokenFault {
    /// The token ended while a request ran under it.
    pub fn ended() -> Self {
        TokenFaultReason::Expired
            .because("The token expired while the request ran: repeat the rest with a new one.")
    }
}

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// It is refused.
    Refused(TokenFault),
    /// There are no keys to judge it with: none were fetched yet, or those that were are too old.
    KeysUnavailable {
        /// When a repeat makes sense.
        retry: Duration,
    },
}

impl VerifyError {
    pub(super) const fn outcome(&self) -> TokenOutcome {
        match self {
            Self::Refused(fault) => TokenOutcome::Refused(fault.reason),
            Self::KeysUnavailable { .. } => TokenOutcome::KeysUnavailable,
        }
    }
}

impl From<TokenFault> for VerifyError {
    fn from(fault: TokenFault) -> Self {
        Self::Refused(fault)
    }
}

/// The kinds of fault. Those from `Expired` on are said only of a token whose signature is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFaultReason {
    /// There is no token.
    Missing,
    /// It is no JWT in compact form.
    Malformed,
    /// It is longer than [`TOKEN_BYTES_MAX`](super::TOKEN_BYTES_MAX).
    TooLong,
    /// Its `alg` is not accepted.
    Algorithm,
    /// No key fits it.
    Key,
    /// Its signature is wrong.
    Signature,
    /// It has ended.
    Expired,
    /// It is not valid yet.
    Early,
    /// Another party issued it.
    Issuer,
    /// It is for another party.
    Audience,
    /// A claim is missing, or of another form.
    Claims,
    /// It ends later than tokens may.
    Lifetime,
}

impl TokenFaultReason {
    /// All reasons.
    pub const ALL: [Self; 12] = [
        Self::Missing,
        Self::Malformed,
        Self::TooLong,
        Self::Algorithm,
        Self::Key,
        Self::Signature,
        Self::Expired,
        Self::Early,
        Self::Issuer,
        Self::Audience,
        Self::Claims,
        Self::Lifetime,
    ];

    /// The name in problems and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::TooLong => "too-long",
            Self::Algorithm => "algorithm",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::Early => "early",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Claims => "claims",
            Self::Lifetime => "lifetime",
        }
    }

    /// The `error_description` of RFC 6750, section 3: ASCII without quotes.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Missing => "A token is needed",
            Self::Malformed => "The token is not a JWT in compact form",
            Self::TooLong => "The token is too long",
            Self::Algorithm => "The algorithm of the token is not accepted",
            Self::Key => "No key of the gateway fits the token",
            Self::Signature => "The signature of the token is wrong",
            Self::Expired => "The token has expired",
            Self::Early => "The token is not valid yet",
            Self::Issuer => "The token is of another issuer",
            Self::Audience => "The token is for another audience",
            Self::Claims => "A claim of the token is missing or wrong",
            Self::Lifetime => "The token lasts too long",
        }
    }

    /// The fault of this kind.
    pub(super) fn because(self, detail: impl Into<String>) -> TokenFault {
        TokenFault {
            reason: self,
            detail: detail.into(),
        }
    }
}

/// A 401 with its challenge (RFC 6750, section 3).
impl From<TokenFault> for Problem {
    fn from(fault: TokenFault) -> Self {
        let realm = r#"Bearer realm="people-gateway""#;
        let description = fault.reason.description();
        let challenge = match fault.reason {
            TokenFaultReason::Missing => realm.to_owned(),
            _ => format!(r#"{realm}, error="invalid_token", error_description="{description}""#),
        };
        let challenge = HeaderValue::try_from(challenge).expect("descriptions are ASCII");
        Self::new(ProblemKind::Token, fault.detail)
            .with("reason", fault.reason.name())
            .with_header(WWW_AUTHENTICATE, challenge)
    }
}

/// A 401, or a 503 with the seconds until a repeat makes sense.
impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Refused(fault) => fault.into(),
            VerifyError::KeysUnavailable { retry } => {
                let seconds = retry.as_secs().max(1);
                Self::new(
                    ProblemKind::KeysUnavailable,
                    "The gateway has no keys of the issuer, or has had no answer from it for too \
                     long, so it can verify no token. Try again.",
                )
                .with_header(RETRY_AFTER, seconds.into())
                .caused_by("no keys that hold")
            }
        }
    }
}

/// What became of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenOutcome {
    /// It was verified and accepted.
    Accepted,
    /// It had been verified before.
    Cached,
    /// It was refused.
    Refused(TokenFaultReason),
    /// There were no keys to judge it with.
    KeysUnavailable,
}

impl Label for TokenOutcome {
    const KEY: &'static str = "outcome";
    const ALL: &'static [Self] = &[
        Self::Accepted,
        Self::Cached,
        Self::Refused(TokenFaultReason::Missing),
        Self::Refused(TokenFaultReason::Malformed),
        Self::Refused(TokenFaultReason::TooLong),
        Self::Refused(TokenFaultReason::Algorithm),
        Self::Refused(TokenFaultReason::Key),
        Self::Refused(TokenFaultReason::Signature),
        Self::Refused(TokenFaultReason::Expired),
        Self::Refused(TokenFaultReason::Early),
        Self::Refused(TokenFaultReason::Issuer),
        Self::Refused(TokenFaultReason::Audience),
        Self::Refused(TokenFaultReason::Claims),
        Self::Refused(TokenFaultReason::Lifetime),
        Self::KeysUnavailable,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Cached => "cached",
            Self::Refused(reason) => reason.name(),
            Self::KeysUnavailable => "keys-unavailable",
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Accepted => 0,
            Self::Cached => 1,
            Self::Refused(reason) => 2 + reason as usize,
            Self::KeysUnavailable => 2 + TokenFaultReason::ALL.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_own_series() {
        for (index, outcome) in TokenOutcome::ALL.iter().enumerate() {
            assert_eq!(outcome.index(), index);
        }
        assert_eq!(TokenOutcome::ALL.len(), TokenFaultReason::ALL.len() + 3);
    }
}

//! What can go wrong with one command, sorted by what may be done about it.

use ::redis::ServerError;

use crate::store::StoreError;
use crate::telemetry::RedisErrorLabel;

/// Why a command has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The scripts were not loaded; they are now. Nothing happened.
    NoScript,
    /// No connection could be had in time, or the server is not in a state to do it. Nothing
    /// happened, and the next try may meet better luck.
    NotNow(String),
    /// It was sent, and its answer never came.
    Lost(String),
    /// More waits already than the queue takes. Nothing happened.
    Overloaded,
    /// No memory or disk is left. Nothing happened.
    Full(String),
    /// The server refused it for good: what is stored is not what the command expects, or the user
    /// may not do it.
    Refused(String),
}

impl Failure {
    /// Sorts an error that the server answered with.
    pub(super) fn from_answer(error: &ServerError) -> Self {
        let why = || error.to_string();
        match error.code() {
            "NOSCRIPT" => Self::NoScript,
            // A failover or a restart is going on, another script is running, or the password was
            // changed: a new connection finds the new master, or the new password.
            "READONLY" | "LOADING" | "MASTERDOWN" | "BUSY" | "TRYAGAIN" | "CLUSTERDOWN"
            | "NOREPLICAS" | "NOAUTH" | "WRONGPASS" => Self::NotNow(why()),
            "OOM" | "MISCONF" => Self::Full(why()),
            _ => Self::Refused(why()),
        }
    }

    /// How it is counted.
    pub(super) const fn label(&self) -> RedisErrorLabel {
        match self {
            Self::NoScript => RedisErrorLabel::NoScript,
            // One that waits in our own queue was not sent.
            Self::NotNow(_) | Self::Overloaded => RedisErrorLabel::NotNow,
            Self::Lost(_) => RedisErrorLabel::Lost,
            Self::Full(_) => RedisErrorLabel::Full,
            Self::Refused(_) => RedisErrorLabel::Refused,
        }
    }

    /// Whether the connection must not be used again.
    pub(super) const fn spoils_connection(&self) -> bool {
        matches!(self, Self::NotNow(_) | Self::Lost(_))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoScript => {
                Self::Unavailable("Redis forgot the scripts while they were loaded".to_owned())
            }
            Failure::NotNow(why) | Failure::Lost(why) => Self::Unavailable(why),
            Failure::Overloaded => Self::Overloaded,
            Failure::Full(why) => Self::Full(why),
            Failure::Refused(why) => Self::Corrupt(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(code: &str) -> Failure {
        let error = ::redis::make_extension_error(code.to_owned(), Some("why".to_owned()));
        Failure::from_answer(&ServerError::try_from(error).expect("a server's error"))
    }

    #[test]
    fn what_surely_did_not_happen_is_told_from_what_may_have() {
        for code in [
            "READONLY",
            "LOADING",
            "MASTERDOWN",
            "BUSY",
            "TRYAGAIN",
            "CLUSTERDOWN",
        ] {
            assert!(matches!(sorted(code), Failure::NotNow(_)), "{code}");
        }
        for code in ["OOM", "MISCONF"] {
            assert!(matches!(sorted(code), Failure::Full(_)), "{code}");
        }
        for code in ["WRONGTYPE", "CORRUPT", "NOPERM", "ERR"] {
            assert!(matches!(sorted(code), Failure::Refused(_)), "{code}");
        }
    }
}

//! Why a command has no answer, classified by what may follow.

use ::redis::ServerError;

use crate::store::{Cause, RedisErrorKind, StoreError};

/// Why a command has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(in crate::store::redis) enum CommandFailure {
    /// The server had forgotten the scripts; they are loaded again. Nothing happened.
    #[error("Redis forgot the scripts while they were loaded")]
    NoScript,
    /// No connection was available in time, or the server cannot run it now. Nothing happened, and
    /// a repeat may succeed.
    #[error(transparent)]
    NotNow(Cause),
    /// The command was sent, and its answer never came.
    #[error(transparent)]
    Lost(Cause),
    /// The queue is full. Nothing happened.
    #[error("the queue is full")]
    Overloaded,
    /// No memory or disk is left. Nothing happened.
    #[error(transparent)]
    Full(Cause),
    /// The server refused it for good: a key has another type, or the user has no permission.
    #[error(transparent)]
    Refused(Cause),
}

impl CommandFailure {
    /// An error that the server answered with.
    pub(super) fn answered(error: ServerError) -> Self {
        match error.code() {
            "NOSCRIPT" => Self::NoScript,
            // A failover or a restart is under way, another script runs, or the password was
            // changed: a new connection finds the new master, or has the new password.
            "READONLY" | "LOADING" | "MASTERDOWN" | "BUSY" | "TRYAGAIN" | "CLUSTERDOWN"
            | "NOREPLICAS" | "NOAUTH" | "WRONGPASS" => Self::NotNow(Cause::of(error)),
            "OOM" | "MISCONF" => Self::Full(Cause::of(error)),
            _ => Self::Refused(Cause::of(error)),
        }
    }

    /// The runtime ends before the command was sent.
    pub(super) fn shutting_down() -> Self {
        Self::NotNow("the runtime is shutting down".into())
    }

    /// Its kind.
    pub(super) const fn kind(&self) -> RedisErrorKind {
        match self {
            Self::NoScript => RedisErrorKind::NoScript,
            // A command in our own queue was not sent.
            Self::NotNow(_) | Self::Overloaded => RedisErrorKind::NotNow,
            Self::Lost(_) => RedisErrorKind::Lost,
            Self::Full(_) => RedisErrorKind::Full,
            Self::Refused(_) => RedisErrorKind::Refused,
        }
    }

    /// Whether the connection must not be used again.
    pub(super) const fn spoils_connection(&self) -> bool {
        matches!(self, Self::NotNow(_) | Self::Lost(_))
    }
}

impl From<CommandFailure> for StoreError {
    fn from(failure: CommandFailure) -> Self {
        match failure {
            CommandFailure::NoScript => Self::Unavailable(Cause::of(failure)),
            CommandFailure::NotNow(why) | CommandFailure::Lost(why) => Self::Unavailable(why),
            CommandFailure::Overloaded => Self::Overloaded,
            CommandFailure::Full(why) => Self::Full(why),
            CommandFailure::Refused(why) => Self::Corrupt(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(code: &str) -> CommandFailure {
        let error = ::redis::make_extension_error(code.to_owned(), Some("why".to_owned()));
        CommandFailure::answered(ServerError::try_from(error).expect("a server's error"))
    }

    #[test]
    fn an_error_code_is_temporary_or_full_or_final() {
        for code in [
            "READONLY",
            "LOADING",
            "MASTERDOWN",
            "BUSY",
            "TRYAGAIN",
            "CLUSTERDOWN",
        ] {
            assert!(
                matches!(classified(code), CommandFailure::NotNow(_)),
                "{code}"
            );
        }
        for code in ["OOM", "MISCONF"] {
            assert!(
                matches!(classified(code), CommandFailure::Full(_)),
                "{code}"
            );
        }
        for code in ["WRONGTYPE", "CORRUPT", "NOPERM", "ERR"] {
            assert!(
                matches!(classified(code), CommandFailure::Refused(_)),
                "{code}"
            );
        }
    }
}

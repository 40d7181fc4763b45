//! Why a command has no answer, classified by what may follow.

use ::redis::{ServerError, Value};

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
    /// This server is not the one, or not yet, or no longer. Nothing happened, and a repeat may
    /// succeed, perhaps elsewhere.
    #[error("{1}")]
    Redirected(Redirect, #[source] Cause),
    /// Fewer replicas than wanted confirmed the write in time. It has happened, and may be lost.
    #[error("{confirmed} replicas confirmed it in time, and store.durability wants {wanted}")]
    Unconfirmed {
        /// What the master answered.
        answer: Value,
        /// The replicas that confirmed it.
        confirmed: i64,
        /// The replicas that have to.
        wanted: u32,
    },
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

/// Why a server sent a command away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Redirect {
    /// The slot belongs to the server at this address, as `HOST:PORT`.
    Moved(String),
    /// The slot is being moved, and the keys are already there. That is not followed: ASKING holds
    /// for one command only, which would tear pipelines apart, and the move ends soon.
    Ask,
    /// The slot is being moved, and some keys are there and some here.
    TryAgain,
    /// The cluster does not serve the slot, or this node is cut off.
    Down,
    /// The server has become a replica.
    ReadOnly,
}

impl CommandFailure {
    /// An error that the server answered with.
    pub(in crate::store::redis) fn answered(error: ServerError) -> Self {
        let redirected = |redirect, error| Self::Redirected(redirect, Cause::of(error));
        // "MOVED 3999 127.0.0.1:6381"
        let target = error
            .details()
            .and_then(|details| details.split(' ').nth(1));
        let target = target.map(str::to_owned);
        match (error.code(), target) {
            ("NOSCRIPT", _) => Self::NoScript,
            ("MOVED", Some(target)) => redirected(Redirect::Moved(target), error),
            ("ASK", _) => redirected(Redirect::Ask, error),
            ("TRYAGAIN", _) => redirected(Redirect::TryAgain, error),
            ("CLUSTERDOWN", _) => redirected(Redirect::Down, error),
            ("READONLY", _) => redirected(Redirect::ReadOnly, error),
            // A restart is under way, another script runs, replicas are missing, or the password
            // was changed: a new connection finds the new master, or has the new password.
            ("LOADING" | "MASTERDOWN" | "BUSY" | "NOREPLICAS" | "NOAUTH" | "WRONGPASS", _) => {
                Self::NotNow(Cause::of(error))
            }
            ("OOM" | "MISCONF", _) => Self::Full(Cause::of(error)),
            // A script met the two states above halfway: it was refused before it committed.
            _ if error.to_string().contains("non local key") => {
                redirected(Redirect::TryAgain, error)
            }
            _ if error.to_string().contains("cluster is down") => redirected(Redirect::Down, error),
            _ => Self::Refused(Cause::of(error)),
        }
    }

    /// Nobody is known who could be asked.
    pub(in crate::store::redis) fn no_owner() -> Self {
        Self::NotNow("no master of the partition is known".into())
    }

    /// The runtime ends before the command was sent.
    pub(in crate::store::redis) fn shutting_down() -> Self {
        Self::NotNow("the runtime is shutting down".into())
    }

    /// Its kind.
    pub(super) const fn kind(&self) -> RedisErrorKind {
        match self {
            Self::NoScript => RedisErrorKind::NoScript,
            // A command in our own queue was not sent.
            Self::NotNow(_) | Self::Redirected(..) | Self::Overloaded => RedisErrorKind::NotNow,
            Self::Unconfirmed { .. } => RedisErrorKind::Unconfirmed,
            Self::Lost(_) => RedisErrorKind::Lost,
            Self::Full(_) => RedisErrorKind::Full,
            Self::Refused(_) => RedisErrorKind::Refused,
        }
    }

    /// Whether the connection must not be used again.
    pub(super) const fn spoils_connection(&self) -> bool {
        matches!(
            self,
            Self::NotNow(_) | Self::Lost(_) | Self::Redirected(Redirect::ReadOnly, _)
        )
    }
}

impl From<CommandFailure> for StoreError {
    fn from(failure: CommandFailure) -> Self {
        match failure {
            CommandFailure::NoScript => Self::Unavailable(Cause::of(failure)),
            CommandFailure::NotNow(why)
            | CommandFailure::Redirected(_, why)
            | CommandFailure::Lost(why) => Self::Unavailable(why),
            CommandFailure::Unconfirmed { .. } => Self::OutcomeUnknown(Cause::of(failure)),
            CommandFailure::Overloaded => Self::Overloaded,
            CommandFailure::Full(why) => Self::Full(why),
            CommandFailure::Refused(why) => Self::Corrupt(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(code: &str, details: &str) -> CommandFailure {
        let error = ::redis::make_extension_error(code.to_owned(), Some(details.to_owned()));
        CommandFailure::answered(ServerError::try_from(error).expect("a server's error"))
    }

    #[test]
    fn an_error_code_is_temporary_or_full_or_final() {
        for code in ["LOADING", "MASTERDOWN", "BUSY", "NOREPLICAS"] {
            assert!(
                matches!(classified(code, "why"), CommandFailure::NotNow(_)),
                "{code}"
            );
        }
        let moved = Redirect::Moved("10.0.0.1:7000".to_owned());
        for (code, details, redirect) in [
            ("MOVED", "3999 10.0.0.1:7000", moved),
            ("ASK", "3999 10.0.0.1:7000", Redirect::Ask),
            ("TRYAGAIN", "Multiple keys request", Redirect::TryAgain),
            ("CLUSTERDOWN", "Hash slot not served", Redirect::Down),
            ("READONLY", "You can't write", Redirect::ReadOnly),
            (
                "ERR",
                "Script attempted to access a non local key in a cluster node script: x",
                Redirect::TryAgain,
            ),
            (
                "ERR",
                "Script executed command while the cluster is down and readonly",
                Redirect::Down,
            ),
            // Valkey's words.
            (
                "ERR",
                "Attempted to access a non local key in a cluster node script: on @user_script:2.",
                Redirect::TryAgain,
            ),
            (
                "ERR",
                "Can not execute a command 'set' while the cluster is down script: on \
                 @user_script:2.",
                Redirect::Down,
            ),
        ] {
            let failure = classified(code, details);
            assert!(
                matches!(&failure, CommandFailure::Redirected(to, _) if *to == redirect),
                "{failure:?}"
            );
        }
        for code in ["OOM", "MISCONF"] {
            assert!(
                matches!(classified(code, "why"), CommandFailure::Full(_)),
                "{code}"
            );
        }
        for code in ["WRONGTYPE", "CORRUPT", "NOPERM", "ERR"] {
            assert!(
                matches!(classified(code, "why"), CommandFailure::Refused(_)),
                "{code}"
            );
        }
    }
}

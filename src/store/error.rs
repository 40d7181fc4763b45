//! Why a store did not carry out a call.

use std::error::Error;
use std::sync::Arc;

use super::CorruptRecord;
use crate::domain::PersonId;
use crate::telemetry::Label;

/// Why a store did not carry out a call. The text names no cause;
/// [`ErrorChain`](crate::telemetry::ErrorChain) shows both.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached, or is not in a state to answer. Nothing happened.
    #[error("the store does not answer")]
    Unavailable(#[source] Cause),
    /// The queue is full. Nothing happened.
    #[error("the store has more to do than its queue takes")]
    Overloaded,
    /// No memory or disk is left for this write. Nothing happened. After a refused save, deletes
    /// may still succeed.
    #[error("the store is full")]
    Full(#[source] Cause),
    /// The write was sent, but its answer never came.
    #[error("the outcome of the write is unknown")]
    OutcomeUnknown(#[source] Cause),
    /// The store holds data that cannot be read, or refuses the command for good.
    #[error("the store is in an unexpected state")]
    Corrupt(#[source] Cause),
    /// One person's record cannot be read, or cannot be compared with the write's expectation. A
    /// save or a delete without an expectation mends it.
    #[error("the record of {id} is damaged")]
    Damaged {
        /// The person.
        id: PersonId,
        /// What is wrong with the record.
        #[source]
        why: CorruptRecord,
    },
}

/// The cause of a [`StoreError`]. Clones share it: one failure answers many callers.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

/// The kinds of [`StoreError`], as they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The store did not answer, or cannot carry out the call now.
    Unavailable,
    /// Too many calls wait.
    Overloaded,
    /// No memory or disk is left.
    Full,
    /// The write was sent, and no answer came.
    OutcomeUnknown,
    /// Stored data cannot be read, or the command is refused for good.
    Corrupt,
}

impl StoreError {
    /// Its kind.
    pub const fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Unavailable(_) => StoreErrorKind::Unavailable,
            Self::Overloaded => StoreErrorKind::Overloaded,
            Self::Full(_) => StoreErrorKind::Full,
            Self::OutcomeUnknown(_) => StoreErrorKind::OutcomeUnknown,
            Self::Corrupt(_) | Self::Damaged { .. } => StoreErrorKind::Corrupt,
        }
    }
}

impl Cause {
    /// An error as the cause.
    pub fn of(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(error))
    }
}

impl From<&str> for Cause {
    fn from(text: &str) -> Self {
        Self(Box::<dyn Error + Send + Sync>::from(text).into())
    }
}

impl From<String> for Cause {
    fn from(text: String) -> Self {
        Self(Box::<dyn Error + Send + Sync>::from(text).into())
    }
}

impl Label for StoreErrorKind {
    const KEY: &'static str = "reason";
    const ALL: &'static [Self] = &[
        Self::Unavailable,
        Self::Overloaded,
        Self::Full,
        Self::OutcomeUnknown,
        Self::Corrupt,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Full => "full",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Corrupt => "corrupt",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::telemetry::ErrorChain;

    #[test]
    fn a_cause_is_shown_behind_the_error_and_keeps_its_own_causes() {
        let full = StoreError::Full(Cause::of(io::Error::other(CorruptRecord::NotText)));
        assert_eq!(
            ErrorChain(&full).to_string(),
            "the store is full: it is not UTF-8"
        );
        let unknown = StoreError::OutcomeUnknown("the line went dead".into());
        assert_eq!(
            ErrorChain(&unknown).to_string(),
            "the outcome of the write is unknown: the line went dead"
        );
        let cause = full.source().expect("the cause");
        assert!(cause.downcast_ref::<Cause>().is_some());
    }
}

//! A person as a caller finds it.

use crate::domain::{Person, PersonId};
use crate::http::HttpState;
use crate::protocol::problem::Problem;
use crate::rights::Rights;
use crate::store::StoreError;

/// What there is under an id, for one caller.
pub(super) enum Found {
    /// No person.
    Nobody,
    /// A person that does not exist for the caller.
    Hidden,
    /// A person that does.
    Visible(Person),
}

impl Found {
    /// Looks up a person. One that cannot be read cannot be judged either, so for a caller with a
    /// rule it does not exist.
    pub(super) async fn look_up(
        state: &HttpState,
        rights: &Rights,
        id: PersonId,
    ) -> Result<Self, Problem> {
        let scope = rights.scope();
        Ok(match state.store.get()?.get(id).await {
            Ok(None) => Self::Nobody,
            Ok(Some(person)) if scope.sees(id, &person.fields) => Self::Visible(person),
            Ok(Some(_)) => Self::Hidden,
            Err(StoreError::Damaged { .. }) if scope.has_rule() => Self::Hidden,
            Err(error) => return Err(error.into()),
        })
    }

    /// The person, if it exists for the caller.
    pub(super) fn visible(self) -> Option<Person> {
        match self {
            Self::Visible(person) => Some(person),
            Self::Nobody | Self::Hidden => None,
        }
    }
}

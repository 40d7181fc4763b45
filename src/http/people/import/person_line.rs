//! One person of an import: saved whether it is new or not, as far as the caller's rights allow.

use crate::domain::{FieldsJson, PersonId, TraceContext};
use crate::http::HttpState;
use crate::http::people::edit::{TRIES, contended};
use crate::http::people::found::Found;
use crate::protocol::problem::Problem;
use crate::rights::{Rights, SaveBody, Verb, WriteRefusal};
use crate::store::{Expectation, StoreError, Write, WriteOutcome};

/// The person of a line.
pub(super) struct PersonLine {
    /// The id that it names, or a fresh one.
    pub(super) id: PersonId,
    pub(super) body: SaveBody,
    /// The span of the request.
    pub(super) trace: Option<TraceContext>,
}

impl PersonLine {
    /// Saves the person.
    pub(super) async fn save(&self, state: &HttpState, rights: &Rights) -> Result<(), Problem> {
        let saves_all = rights.can().contains(Verb::Create)
            && rights.can().contains(Verb::Update)
            && rights.writes_all();
        if saves_all {
            let fields = rights.create(self.id, &self.body)?;
            return self
                .apply(state, fields, Expectation::Anything)
                .await
                .map(drop);
        }
        for _ in 0..TRIES {
            let (fields, expectation) = self.judge(state, rights).await?;
            if self.apply(state, fields, expectation).await? {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// What is saved, and what is expected of the person until then.
    async fn judge(
        &self,
        state: &HttpState,
        rights: &Rights,
    ) -> Result<(FieldsJson, Expectation), Problem> {
        let may = |verb: Verb| {
            let may = rights.can().contains(verb);
            may.then_some(())
                .ok_or_else(|| Problem::forbidden(verb, rights))
        };
        let person = match Found::look_up(state, rights, self.id).await? {
            Found::Nobody => {
                may(Verb::Create)?;
                return Ok((rights.create(self.id, &self.body)?, Expectation::Absent));
            }
            Found::Hidden => {
                may(Verb::Create)?;
                return Err(WriteRefusal::outside(Verb::Create).into());
            }
            Found::Visible(person) => person,
        };
        may(Verb::Update)?;
        rights.check_update(self.id, &person.fields)?;
        let fields = rights.replace(self.id, &person.fields, &self.body)?;
        Ok((fields, Expectation::Revision(person.revision)))
    }

    /// Applies the write; returns whether the expectation held.
    async fn apply(
        &self,
        state: &HttpState,
        fields: FieldsJson,
        expectation: Expectation,
    ) -> Result<bool, Problem> {
        let write = Write::save(self.id, fields, (state.clock)())
            .traced(self.trace)
            .expecting(expectation);
        let applied = state.apply(write).await.map_err(|error| match error {
            StoreError::OutcomeUnknown(_) => Problem::from(error).with("id", self.id.to_string()),
            error => error.into(),
        })?;
        Ok(matches!(applied, WriteOutcome::Done { .. }))
    }
}

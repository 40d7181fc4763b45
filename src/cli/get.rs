//! `get` and `delete`: people by their ids.

use clap::Args;
use people_client::rest::{IdempotencyKey, IfMatch, RestError};

use super::gateway::{self, Gateway, GatewayFlags, say, told, written};
use super::shown::{self, FormFlags};
use crate::domain::PersonId;

const GET_EXAMPLES: &str = "\
Examples:
  people-gateway get 0190f3e2-7c1b-7d9a-8f00-1234567890ab
      all that is known of a person
  people-gateway get ID | jq .attributes
      in a pipe it is JSON

Of several ids, those that exist are printed and the others named; then the exit code is 1.";

const DELETE_EXAMPLES: &str = "\
Examples:
  people-gateway delete 0190f3e2-7c1b-7d9a-8f00-1234567890ab
      one person
  people-gateway delete --if-match 3f2a.17.9c1e ID
      unless somebody changed it meanwhile
  people-gateway export --where 'age > 99' | jq -r .id \\
      | xargs people-gateway delete
      everyone who matches";

#[derive(Args, Debug)]
#[command(after_help = GET_EXAMPLES)]
pub(super) struct GetFlags {
    /// Whom
    #[arg(required = true, value_name = "ID")]
    ids: Vec<PersonId>,
    #[command(flatten)]
    form: FormFlags,
    #[command(flatten)]
    gateway: GatewayFlags,
}

#[derive(Args, Debug)]
#[command(after_help = DELETE_EXAMPLES)]
pub(super) struct DeleteFlags {
    /// Whom
    #[arg(required = true, value_name = "ID")]
    ids: Vec<PersonId>,
    /// Only if the person still has this revision (or * for any)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<IfMatch>,
    #[command(flatten)]
    gateway: GatewayFlags,
}

pub(super) fn get(flags: GetFlags) -> anyhow::Result<()> {
    gateway::run(async {
        let mut gateway = flags.gateway.gateway()?;
        let form = flags.form.form();
        each(&mut gateway, &flags.ids, async |gateway, id| {
            let person = gateway.call(async |rest| rest.get(id).await).await;
            Ok(match person {
                Ok(person) => Ok(written(shown::write_person(form, &person))?),
                Err(error) => Err(error),
            })
        })
        .await
    })
}

pub(super) fn delete(flags: DeleteFlags) -> anyhow::Result<()> {
    gateway::run(async {
        let mut gateway = flags.gateway.gateway()?;
        each(&mut gateway, &flags.ids, async |gateway, id| {
            let key = IdempotencyKey::fresh();
            Ok(gateway
                .call(async |rest| rest.delete(id, flags.if_match, key).await)
                .await)
        })
        .await
    })
}

/// Does it to each. A refusal is about one person, and told when the others are done too; whatever
/// else goes wrong would go wrong with all of them.
async fn each(
    gateway: &mut Gateway,
    ids: &[PersonId],
    call: impl AsyncFn(&mut Gateway, PersonId) -> anyhow::Result<Result<(), RestError>>,
) -> anyhow::Result<()> {
    let mut last = None;
    for id in ids {
        match call(gateway, *id).await? {
            Ok(()) => {}
            Err(error @ RestError::Refused(_)) => {
                // The last one is the command's own error.
                if let Some(error) = last.replace(told(error)) {
                    say(&format!("people-gateway: {error}"));
                }
            }
            Err(error) => return Err(told(error)),
        }
    }
    last.map_or(Ok(()), Err)
}

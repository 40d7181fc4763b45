//! `get` shows, and `delete` deletes, people by their ids.

use clap::Args;
use people_client::rest::{IfMatch, RestError, RetryKey};

use crate::cli::gateway::{self, GatewayClient, GatewayFlags, with_advice};
use crate::cli::terminal::{OutputFlags, check_output, note, write_person};
use crate::domain::PersonId;

const GET_EXAMPLES: &str = "\
Examples:
  people-gateway get 0190f3e2-7c1b-7d9a-8f00-1234567890ab
      all values of a person
  people-gateway get ID | jq .attributes
      JSON, in a pipe

Of several ids, the command prints the people that exist and names the others; then the exit code \
is 1.";

const DELETE_EXAMPLES: &str = "\
Examples:
  people-gateway delete 0190f3e2-7c1b-7d9a-8f00-1234567890ab
      one person
  people-gateway delete --if-match 3f2a.17.9c1e ID
      one person, unless the person changed meanwhile
  people-gateway export --where 'age > 99' | jq -r .id \\
      | xargs people-gateway delete
      everyone who matches";

#[derive(Args, Debug)]
#[command(after_help = GET_EXAMPLES)]
pub(in crate::cli) struct GetFlags {
    /// The people's ids
    #[arg(required = true, value_name = "ID")]
    ids: Vec<PersonId>,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    gateway: GatewayFlags,
}

#[derive(Args, Debug)]
#[command(after_help = DELETE_EXAMPLES)]
pub(in crate::cli) struct DeleteFlags {
    /// The people's ids
    #[arg(required = true, value_name = "ID")]
    ids: Vec<PersonId>,
    /// Only if the person still has this revision (or * for any)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<IfMatch>,
    #[command(flatten)]
    gateway: GatewayFlags,
}

pub(in crate::cli) fn get(flags: GetFlags) -> anyhow::Result<()> {
    gateway::run(async {
        let mut gateway = flags.gateway.client()?;
        let form = flags.output.form();
        each(&mut gateway, &flags.ids, async |gateway, id| {
            let person = gateway.call(async |rest| rest.get(id).await).await;
            Ok(match person {
                Ok(person) => Ok(check_output(write_person(form, &person))?),
                Err(error) => Err(error),
            })
        })
        .await
    })
}

pub(in crate::cli) fn delete(flags: DeleteFlags) -> anyhow::Result<()> {
    gateway::run(async {
        let mut gateway = flags.gateway.client()?;
        each(&mut gateway, &flags.ids, async |gateway, id| {
            let key = RetryKey::fresh();
            Ok(gateway
                .call(async |rest| rest.delete(id, flags.if_match, key).await)
                .await)
        })
        .await
    })
}

/// Calls for each id. A refusal concerns one person, so the others follow; a refused token, and any
/// other error, would repeat with all of them.
async fn each(
    gateway: &mut GatewayClient,
    ids: &[PersonId],
    call: impl AsyncFn(&mut GatewayClient, PersonId) -> anyhow::Result<Result<(), RestError>>,
) -> anyhow::Result<()> {
    let mut last = None;
    for id in ids {
        match call(gateway, *id).await? {
            Ok(()) => {}
            Err(error @ RestError::Refused(_)) if error.status() != Some(401) => {
                // The last refusal is the command's own error.
                if let Some(error) = last.replace(with_advice(error)) {
                    note(&format!("people-gateway: {error}"));
                }
            }
            Err(error) => return Err(with_advice(error)),
        }
    }
    last.map_or(Ok(()), Err)
}

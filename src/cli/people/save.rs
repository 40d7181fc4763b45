//! `save` saves one person, from flags or from JSON.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use clap::Args;
use people_client::rest::{IfMatch, RestError, RetryKey, SaveCondition};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::values::{self, Attribute};
use crate::cli::flag_conflict::FlagConflict;
use crate::cli::gateway::{self, GatewayClient, GatewayFlags, with_advice};
use crate::cli::terminal::{OutputFlags, check_output, write_person};
use crate::domain::{PersonId, age};

/// The longest JSON of a person, in bytes. The gateway's own limit is lower.
const INPUT_MAX: u64 = 1024 * 1024;
/// The most attempts to save a person that other clients create and delete at the same time.
const ATTEMPTS_MAX: usize = 8;

const EXAMPLES: &str = "\
Examples:
  people-gateway save --first-name Ada --last-name Lovelace --age 36 --job Chef
      a new person, under a new id
  people-gateway save --id 0190f3e2-7c1b-7d9a-8f00-1234567890ab --merge --age 37
      one value of a person; the others stay
  people-gateway get ID | jq .age=37 | people-gateway save --if-match REVISION
      a person as JSON from standard input, unless the person changed meanwhile

With an id (--id, or one in the JSON) the command saves that person, new or not. Without fields \
among the flags it reads JSON from standard input. It prints the saved person: readable lines in a \
terminal, JSON in a pipe.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct SaveFlags {
    #[command(flatten)]
    fields: FieldFlags,
    /// The person's id; without it the person is new, and gets one
    #[arg(long, value_name = "ID")]
    id: Option<PersonId>,
    /// Change only the given values (JSON Merge Patch); needs an id
    #[arg(long)]
    merge: bool,
    /// Only if the person still has this revision (or * for any); needs an id
    #[arg(long, value_name = "REVISION")]
    if_match: Option<IfMatch>,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    gateway: GatewayFlags,
}

#[derive(Args, Debug)]
struct FieldFlags {
    /// 1 to 200 characters
    #[arg(long, value_name = "TEXT")]
    first_name: Option<String>,
    /// 1 to 200 characters
    #[arg(long, value_name = "TEXT")]
    last_name: Option<String>,
    /// 0 to 150 years
    #[arg(long, value_name = "NUMBER", value_parser = years)]
    age: Option<u8>,
    /// 0 to 200 characters
    #[arg(long, value_name = "TEXT")]
    job: Option<String>,
    /// An attribute: JSON if the value is exactly that, else a text (name="7" is a text too); may
    /// be repeated
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = values::attribute)]
    attributes: Vec<Attribute>,
}

pub(in crate::cli) fn save(flags: SaveFlags) -> anyhow::Result<()> {
    let body = match flags.fields.json()? {
        Some(body) => body,
        None if flags.gateway.reads_stdin() => bail!(FlagConflict::new(
            "save",
            "standard input has the token (--token-file -), so give the person's fields as flags \
             (--first-name, --last-name, --age, --job)",
        )),
        None if io::stdin().is_terminal() => bail!(FlagConflict::new(
            "save",
            "nothing to save: give the person's fields (--first-name, --last-name, --age, --job), \
             or JSON on standard input",
        )),
        None => read()?,
    };
    let id = flags.id.map_or_else(|| id_in(&body), |id| Ok(Some(id)))?;
    if id.is_none() && (flags.merge || flags.if_match.is_some()) {
        bail!(FlagConflict::new(
            "save",
            "--merge and --if-match need the id of a person: give it with --id",
        ));
    }
    gateway::run(async {
        let mut gateway = flags.gateway.client()?;
        let saved = match id {
            None => create(&mut gateway, &body).await,
            Some(id) if flags.merge => merge(&mut gateway, id, &body, flags.if_match).await,
            Some(id) => replace(&mut gateway, id, &body, flags.if_match).await,
        };
        check_output(write_person(
            flags.output.form(),
            &saved.map_err(with_advice)?,
        ))
    })
}

impl FieldFlags {
    /// The given fields as JSON; `None` without fields.
    fn json(&self) -> Result<Option<String>, FlagConflict> {
        let Self {
            first_name,
            last_name,
            age,
            job,
            attributes,
        } = self;
        let attributes = (!attributes.is_empty()).then(|| object(attributes));
        let given = [
            ("firstName", first_name.as_deref().map(Value::from)),
            ("lastName", last_name.as_deref().map(Value::from)),
            ("age", age.map(Value::from)),
            ("job", job.as_deref().map(Value::from)),
            ("attributes", attributes.transpose()?),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let object: Map<String, Value> = given.collect();
        Ok((!object.is_empty()).then(|| json!(object).to_string()))
    }
}

fn years(text: &str) -> Result<u8, String> {
    age(text).ok_or_else(|| "expected a whole number from 0 to 150, such as 36".to_owned())
}

/// The attributes as one object. An attribute must not be given twice.
fn object(attributes: &[Attribute]) -> Result<Value, FlagConflict> {
    values::object(attributes).map_err(|twice| {
        let name = twice.path.join(".");
        FlagConflict::new(
            "save",
            format!("--attribute {name}: is given twice, or lies inside another one"),
        )
    })
}

fn read() -> anyhow::Result<String> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(INPUT_MAX + 1)
        .read_to_string(&mut text)
        .context("cannot read standard input")?;
    if text.len() as u64 > INPUT_MAX {
        bail!("the input is too long for one person: `import` takes many, one line each");
    }
    if text.trim().is_empty() {
        bail!("standard input is empty: expected a person as JSON");
    }
    Ok(text)
}

/// The id in the JSON. The gateway reports other faults of the JSON.
fn id_in(body: &str) -> anyhow::Result<Option<PersonId>> {
    #[derive(Deserialize)]
    struct IdMember {
        id: Option<Value>,
    }
    match serde_json::from_str(body) {
        // serde would accept a list.
        _ if !body.trim_start().starts_with('{') => Ok(None),
        Ok(IdMember {
            id: Some(Value::String(id)),
        }) => id.parse().map(Some).context("the id in the JSON"),
        Ok(IdMember { id: Some(_) }) => {
            bail!("the id in the JSON must be a text, null, or left out")
        }
        Ok(IdMember { id: None }) | Err(_) => Ok(None),
    }
}

async fn create(gateway: &mut GatewayClient, body: &str) -> Result<String, RestError> {
    let key = RetryKey::fresh();
    gateway
        .call(async |rest| rest.create(body, key).await)
        .await
}

async fn merge(
    gateway: &mut GatewayClient,
    id: PersonId,
    patch: &str,
    tag: Option<IfMatch>,
) -> Result<String, RestError> {
    let key = RetryKey::fresh();
    gateway
        .call(async |rest| rest.merge(id, patch, tag, key).await)
        .await
}

/// Saves the person, new or not; with a tag, only if it matches.
async fn replace(
    gateway: &mut GatewayClient,
    id: PersonId,
    body: &str,
    tag: Option<IfMatch>,
) -> Result<String, RestError> {
    let mut condition = tag.map_or(SaveCondition::Present, SaveCondition::Match);
    for _ in 1..ATTEMPTS_MAX {
        let key = RetryKey::fresh();
        let error = match gateway
            .call(async |rest| rest.replace(id, body, condition, key).await)
            .await
        {
            Ok(saved) => return Ok(saved),
            Err(error) => error,
        };
        condition = match (condition, error.status()) {
            (SaveCondition::Present, Some(404)) => SaveCondition::Absent,
            (SaveCondition::Absent, Some(412)) => SaveCondition::Present,
            _ => return Err(error),
        };
    }
    let key = RetryKey::fresh();
    gateway
        .call(async |rest| rest.replace(id, body, condition, key).await)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_read_from_the_json() {
        let id = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
        assert_eq!(
            id_in(&format!("{{\"id\":\"{id}\"}}")).unwrap(),
            Some(id.parse().unwrap())
        );
        for none in ["{}", "{\"id\":null}", "[1]", "{"] {
            assert_eq!(id_in(none).unwrap(), None, "{none}");
        }
        for wrong in ["{\"id\":7}", "{\"id\":\"x\"}"] {
            assert!(id_in(wrong).is_err(), "{wrong}");
        }
    }
}

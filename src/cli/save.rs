//! `save`: one person, from flags or from JSON.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use clap::Args;
use people_client::rest::{Expect, IdempotencyKey, IfMatch, RestError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::gateway::{self, Gateway, GatewayFlags, told, written};
use super::shown::{self, FormFlags};
use super::usage;
use super::values::{self, Attribute};
use crate::domain::{PersonId, age};

/// Of a person's JSON; the gateway's own limit is lower.
const INPUT_MAX: u64 = 1024 * 1024;
/// Somebody else may create or delete the same person between our two questions, but not for ever.
const TRIES: usize = 8;

pub(super) const EXAMPLES: &str = "\
Examples:
  people-gateway save --first-name Ada --last-name Lovelace --age 36 --job Chef
      a new person, who gets an id
  people-gateway save --id 0190f3e2-7c1b-7d9a-8f00-1234567890ab --merge --age 37
      one value of a person; the others stay
  people-gateway get ID | jq .age=37 | people-gateway save --if-match REVISION
      a person as JSON from standard input, unless somebody changed it meanwhile

With an id (--id, or one in the JSON) that person is saved, new or not. Without fields among the \
flags, JSON is read from standard input. The saved person is printed: lines to read in a terminal, \
JSON in a pipe.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct SaveFlags {
    #[command(flatten)]
    fields: Fields,
    /// Whom to save; without it the person is new, and gets an id
    #[arg(long, value_name = "ID")]
    id: Option<PersonId>,
    /// Change only what is given (JSON Merge Patch); needs an id
    #[arg(long)]
    merge: bool,
    /// Only if the person still has this revision (or * for any); needs an id
    #[arg(long, value_name = "REVISION")]
    if_match: Option<IfMatch>,
    #[command(flatten)]
    form: FormFlags,
    #[command(flatten)]
    gateway: GatewayFlags,
}

#[derive(Args, Debug)]
struct Fields {
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
    /// An attribute: JSON where the value is exactly that, else a text (name="7" is a text too); as
    /// often as you like
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = values::attribute)]
    attributes: Vec<Attribute>,
}

pub(super) fn run(flags: SaveFlags) -> anyhow::Result<()> {
    let body = match flags.fields.json() {
        Some(body) => body,
        None if io::stdin().is_terminal() => usage(
            "save",
            "nothing to save: give the person's fields (--first-name, --last-name, --age, --job), \
             or JSON on standard input",
        ),
        None => read()?,
    };
    let id = flags.id.map_or_else(|| id_in(&body), |id| Ok(Some(id)))?;
    if id.is_none() && (flags.merge || flags.if_match.is_some()) {
        usage(
            "save",
            "--merge and --if-match are about a person who exists: say who with --id",
        );
    }
    gateway::run(async {
        let mut gateway = flags.gateway.gateway()?;
        let saved = match id {
            None => create(&mut gateway, &body).await,
            Some(id) if flags.merge => merge(&mut gateway, id, &body, flags.if_match).await,
            Some(id) => replace(&mut gateway, id, &body, flags.if_match).await,
        };
        written(shown::write_person(
            flags.form.form(),
            &saved.map_err(told)?,
        ))
    })
}

impl Fields {
    /// As JSON; none where no field was given.
    fn json(&self) -> Option<String> {
        let Self {
            first_name,
            last_name,
            age,
            job,
            attributes,
        } = self;
        let given = [
            ("firstName", first_name.as_deref().map(Value::from)),
            ("lastName", last_name.as_deref().map(Value::from)),
            ("age", age.map(Value::from)),
            ("job", job.as_deref().map(Value::from)),
            (
                "attributes",
                (!attributes.is_empty()).then(|| object(attributes)),
            ),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let object: Map<String, Value> = given.collect();
        (!object.is_empty()).then(|| json!(object).to_string())
    }
}

fn years(text: &str) -> Result<u8, String> {
    age(text).ok_or_else(|| "expected a whole number from 0 to 150, such as 36".to_owned())
}

/// The attributes as one object. One that is given twice is a slip of the hand.
fn object(attributes: &[Attribute]) -> Value {
    values::object(attributes).unwrap_or_else(|twice| {
        usage(
            "save",
            &format!(
                "--attribute {}: is given twice, or lies inside another one",
                twice.path.join(".")
            ),
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
        bail!("one person is not so long: `import` takes many, a line each");
    }
    if text.trim().is_empty() {
        bail!("standard input is empty: expected a person as JSON");
    }
    Ok(text)
}

/// The id that the JSON names. What else is wrong with it is the gateway's to say.
fn id_in(body: &str) -> anyhow::Result<Option<PersonId>> {
    #[derive(Deserialize)]
    struct Named {
        id: Option<Value>,
    }
    match serde_json::from_str(body) {
        // A list would do for serde.
        _ if !body.trim_start().starts_with('{') => Ok(None),
        Ok(Named {
            id: Some(Value::String(id)),
        }) => id.parse().map(Some).context("the id in the JSON"),
        Ok(Named { id: Some(_) }) => bail!("the id in the JSON must be a text, null, or left out"),
        Ok(Named { id: None }) | Err(_) => Ok(None),
    }
}

async fn create(gateway: &mut Gateway, body: &str) -> Result<String, RestError> {
    let key = IdempotencyKey::fresh();
    gateway
        .call(async |rest| rest.create(body, key).await)
        .await
}

async fn merge(
    gateway: &mut Gateway,
    id: PersonId,
    patch: &str,
    tag: Option<IfMatch>,
) -> Result<String, RestError> {
    let key = IdempotencyKey::fresh();
    gateway
        .call(async |rest| rest.merge(id, patch, tag, key).await)
        .await
}

/// Saves the person whether it is new or not; with a tag, only as it says.
async fn replace(
    gateway: &mut Gateway,
    id: PersonId,
    body: &str,
    tag: Option<IfMatch>,
) -> Result<String, RestError> {
    let mut expect = tag.map_or(Expect::Present, Expect::Match);
    for _ in 1..TRIES {
        let key = IdempotencyKey::fresh();
        let error = match gateway
            .call(async |rest| rest.replace(id, body, expect, key).await)
            .await
        {
            Ok(saved) => return Ok(saved),
            Err(error) => error,
        };
        expect = match (expect, error.status()) {
            (Expect::Present, Some(404)) => Expect::Absent,
            (Expect::Absent, Some(412)) => Expect::Present,
            _ => return Err(error),
        };
    }
    let key = IdempotencyKey::fresh();
    gateway
        .call(async |rest| rest.replace(id, body, expect, key).await)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_in_the_json_counts() {
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

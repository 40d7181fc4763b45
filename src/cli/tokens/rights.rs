//! `rights`: what a policy gives to a token, for whoever writes the policy.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde_json::{Map, Value, json};

use crate::auth::ClaimPath;
use crate::cli::terminal::print_text;
use crate::domain::{Draft, FieldsJson, IdRule, PersonId};
use crate::rights::{Policy, Rights, Verb};
use crate::telemetry::clock::fresh_uuid;

const EXAMPLES: &str = "\
Examples:
  people-gateway rights --policy roles.toml --claims '{\"role\":\"clerk\"}'
  people-gateway rights --policy roles.toml --person ada.json
  people-gateway rights --policy roles.toml";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct RightsFlags {
    /// The file with the roles
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The claims of a token as a JSON object; without them, what callers without a token may do
    #[arg(long, value_name = "JSON", value_parser = object)]
    claims: Option<Claims>,
    /// The claim that names the role
    #[arg(long, value_name = "PATH", default_value = "role")]
    role_claim: ClaimPath,
    /// A person as a JSON object: tells what may be done with it, and what is shown of it
    #[arg(long, value_name = "FILE")]
    person: Option<PathBuf>,
}

type Claims = Map<String, Value>;

fn object(text: &str) -> Result<Claims, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(claims)) => Ok(claims),
        _ => Err("has to be a JSON object, as in {\"role\":\"clerk\"}".to_owned()),
    }
}

/// Prints the rights as JSON.
pub(in crate::cli) fn rights(flags: RightsFlags) -> anyhow::Result<()> {
    let path = flags.policy.display();
    let text = fs::read_to_string(&flags.policy).with_context(|| format!("cannot read {path}"))?;
    let policy: Policy = text.parse().map_err(|faults| anyhow!("{path}: {faults}"))?;
    let claims = flags.claims.clone().unwrap_or_default();
    let (rights, description) = match &flags.claims {
        None => {
            let rights = policy.anonymous();
            let rights = rights.context("the policy has no role anonymous: add --claims JSON")?;
            (rights, policy.describe(["anonymous"], &claims))
        }
        Some(claims) => {
            let roles = flags.role_claim.roles(claims);
            let rights = policy.rights(roles.iter().copied(), claims)?;
            (rights, policy.describe(roles, claims))
        }
    };
    let mut document = Map::new();
    document.insert("role".into(), json!(rights.role()));
    document.extend(rights.describe());
    if let Some(error) = rights.lacks() {
        document.insert("refused".into(), json!(error.to_string()));
    }
    document.extend(description.unwrap_or_default());
    if let Some(path) = &flags.person {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        let draft = Draft::parse(&text, IdRule::Names).with_context(|| shown.to_string())?;
        let id = draft.id.unwrap_or_else(|| PersonId::new(fresh_uuid()));
        document.insert(
            "person".into(),
            judged(&rights, id, &draft.fields.to_json()),
        );
    }
    print_text(&format!("{:#}\n", Value::Object(document)))
}

/// What may be done with a person.
fn judged(rights: &Rights, id: PersonId, fields: &FieldsJson) -> Value {
    let may = |verb| rights.can().contains(verb);
    let sees = rights.scope().sees(id, fields);
    let shown = rights
        .scope()
        .mask()
        .map_or_else(|| fields.to_members(), |mask| mask.apply(fields));
    json!({
        "visible": sees,
        "update": sees && may(Verb::Update) && rights.check_update(id, fields).is_ok(),
        "delete": sees && may(Verb::Delete) && rights.check_delete(id, fields).is_ok(),
        "shown": sees.then_some(shown),
    })
}

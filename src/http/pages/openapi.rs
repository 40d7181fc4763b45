//! The OpenAPI description of REST: `docs/openapi.yaml` as the JSON that tools read.

use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

const DESCRIPTION: &str = include_str!("../../../docs/openapi.yaml");

/// The description; its keys are in the order of the file.
pub fn document() -> Value {
    let documents = YamlLoader::load_from_str(DESCRIPTION).expect("our description is YAML");
    json(&documents[0])
}

/// A node as JSON. The loader has resolved all aliases.
fn json(node: &Yaml) -> Value {
    match node {
        Yaml::Hash(members) => members
            .iter()
            .map(|(name, value)| (name.as_str().expect("names are texts"), json(value)))
            .collect(),
        Yaml::Array(items) => items.iter().map(json).collect(),
        Yaml::String(text) => Value::from(text.as_str()),
        Yaml::Integer(number) => Value::from(*number),
        Yaml::Boolean(truth) => Value::from(*truth),
        Yaml::Null => Value::Null,
        Yaml::Real(_) | Yaml::Alias(_) | Yaml::BadValue => {
            unreachable!("our description has no {node:?}")
        }
    }
}

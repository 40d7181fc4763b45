//! Where settings come from: each source flattened to `section.key` and laid over the one before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{ConfigError, Environment, File, FileFormat, Map, Source, Value, ValueKind};

use super::fault::Fault;

/// What a variable of the environment begins with; `__` stands for each dot of the key.
pub const ENV_PREFIX: &str = "PEOPLE_GATEWAY";

/// What the user wrote, and where.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file in TOML, YAML or JSON, told apart by its ending.
    pub file: Option<PathBuf>,
    /// The variables to look at instead of the process's own; tests bring theirs.
    pub environment: Option<Vec<(String, String)>>,
    /// Key, value, and the flag that set it.
    pub flags: Vec<(&'static str, String, &'static str)>,
}

/// Settings by their whole key.
pub(super) type Layer = BTreeMap<String, Value>;

/// The compiled-in defaults.
pub(super) fn defaults() -> Layer {
    let map = File::from_str(super::DEFAULTS, FileFormat::Toml)
        .collect()
        .expect("the compiled-in defaults are TOML");
    flat(map)
}

/// What the user wrote, later over earlier. A source that cannot be read is a fault, and the others
/// still count.
pub(super) fn user(sources: &Sources, faults: &mut Vec<Fault>) -> Layer {
    let mut layer = Layer::new();
    let mut overlay = |read: Result<Layer, Fault>| match read {
        Ok(over) => layer.extend(over),
        Err(fault) => faults.push(fault),
    };
    if let Some(path) = &sources.file {
        overlay(file(path));
    }
    overlay(environment(sources.environment.as_deref()));
    for (key, value, flag) in &sources.flags {
        let value = Value::new(Some(&(*flag).to_owned()), value.clone());
        layer.insert((*key).to_owned(), value);
    }
    layer
}

fn file(path: &Path) -> Result<Layer, Fault> {
    let name = path.display().to_string();
    let fault = |detail: String| Fault {
        key: "--config".into(),
        origin: None,
        detail: format!("{name}: {detail}"),
    };
    let format = match path.extension().and_then(|ending| ending.to_str()) {
        Some("toml") => FileFormat::Toml,
        Some("yaml" | "yml") => FileFormat::Yaml,
        Some("json") => FileFormat::Json,
        _ => {
            return Err(fault(
                "the file's name has to end in .toml, .yaml, .yml or .json".into(),
            ));
        }
    };
    let text =
        std::fs::read_to_string(path).map_err(|error| fault(format!("cannot be read: {error}")))?;
    let map = File::from_str(&text, format)
        .collect()
        .map_err(|error| fault(without_excerpt(&error, &text)))?;
    Ok(flat(map)
        .into_iter()
        .map(|(key, value)| (key, Value::new(Some(&name), value.kind)))
        .collect())
}

/// The parser's complaint without the text it is about: a password may stand there.
fn without_excerpt(error: &ConfigError, text: &str) -> String {
    let ConfigError::FileParse { cause, .. } = error else {
        return "is not a table of settings".into();
    };
    if let Some(toml) = cause.downcast_ref::<toml::de::Error>() {
        let before = toml
            .span()
            .and_then(|span| text.get(..span.start))
            .unwrap_or_default();
        return format!(
            "line {}: {}",
            before.matches('\n').count() + 1,
            toml.message()
        );
    }
    if let Some(json) = cause.downcast_ref::<serde_json::Error>() {
        return format!(
            "is not a JSON object of settings (line {} column {})",
            json.line(),
            json.column()
        );
    }
    let told = cause.to_string();
    let place = told
        .rfind("line ")
        .map(|start| &told[start..])
        .filter(|place| place.len() < 40);
    format!(
        "is not YAML with settings ({})",
        place.unwrap_or("somewhere")
    )
}

fn environment(variables: Option<&[(String, String)]>) -> Result<Layer, Fault> {
    let source = variables.map(|variables| variables.iter().cloned().collect::<Map<_, _>>());
    let environment = Environment::with_prefix(ENV_PREFIX)
        .prefix_separator("__")
        .separator("__")
        .try_parsing(false)
        .source(source);
    let map = environment.collect().map_err(|_| Fault {
        key: format!("{ENV_PREFIX}__*"),
        origin: Some("the environment".into()),
        detail: "a variable's value is not UTF-8".into(),
    })?;
    Ok(map
        .into_iter()
        .map(|(key, value)| (key.clone(), Value::new(Some(&variable(&key)), value.kind)))
        .collect())
}

/// The variable that sets a key.
fn variable(key: &str) -> String {
    format!("{ENV_PREFIX}__{}", key.replace('.', "__").to_uppercase())
}

fn flat(map: Map<String, Value>) -> Layer {
    let mut layer = Layer::new();
    for (key, value) in map {
        flatten_into(&mut layer, key, value);
    }
    layer
}

/// A table becomes its keys. An empty one stays, so that a mistyped section does not go unseen.
fn flatten_into(layer: &mut Layer, key: String, value: Value) {
    match value.kind {
        ValueKind::Table(table) if !table.is_empty() => {
            for (name, value) in table {
                flatten_into(layer, format!("{key}.{name}"), value);
            }
        }
        _ => {
            layer.insert(key, value);
        }
    }
}

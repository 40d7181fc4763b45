//! The sources of settings: each is flattened to `section.key` and laid over the one before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{ConfigError, Environment, File, FileFormat, Map, Source, Value, ValueKind};

use crate::config::DEFAULTS;
use crate::config::fault::SettingFault;

/// The prefix of the environment's variables; `__` replaces each dot of a key.
pub const ENV_PREFIX: &str = "PEOPLE_GATEWAY";

/// The sources that a user can write.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// The variables that are read instead of the process's own; for tests.
    pub environment: Option<Vec<(String, String)>>,
    /// Key, value, and the flag that set it.
    pub flags: Vec<(&'static str, String, &'static str)>,
}

/// Settings by their whole key.
pub(super) type Layer = BTreeMap<String, Value>;

/// The compiled-in defaults.
pub(super) fn defaults() -> Layer {
    let map = File::from_str(DEFAULTS, FileFormat::Toml)
        .collect()
        .expect("the compiled-in defaults are TOML");
    flat(map)
}

/// The settings that the user wrote; later sources override earlier ones. A source that cannot be
/// read is a fault, and the others still count.
pub(super) fn user(sources: &Sources, faults: &mut Vec<SettingFault>) -> Layer {
    let mut layer = Layer::new();
    let mut overlay = |read: Result<Layer, SettingFault>| match read {
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

fn file(path: &Path) -> Result<Layer, SettingFault> {
    let name = path.display().to_string();
    let fault = |detail: String| SettingFault {
        key: "--config".into(),
        origin: None,
        detail: format!("{name}: {detail}"),
    };
    if path.extension().is_none_or(|ending| ending != "toml") {
        return Err(fault(
            "settings are TOML, and the file's name has to end in .toml; `people-gateway config` \
             prints all settings in that form"
                .into(),
        ));
    }
    let text =
        std::fs::read_to_string(path).map_err(|error| fault(format!("cannot be read: {error}")))?;
    let map = File::from_str(&text, FileFormat::Toml)
        .collect()
        .map_err(|error| fault(without_excerpt(&error, &text)))?;
    Ok(flat(map)
        .into_iter()
        .map(|(key, value)| (key, Value::new(Some(&name), value.kind)))
        .collect())
}

/// The parser's message without the excerpt of the file, which may contain a password.
fn without_excerpt(error: &ConfigError, text: &str) -> String {
    let ConfigError::FileParse { cause, .. } = error else {
        return "is not a table of settings".into();
    };
    let Some(error) = cause.downcast_ref::<toml::de::Error>() else {
        return "is not TOML".into();
    };
    let before = error
        .span()
        .and_then(|span| text.get(..span.start))
        .unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    format!("line {line}: {}", error.message())
}

fn environment(variables: Option<&[(String, String)]>) -> Result<Layer, SettingFault> {
    let source = variables.map(|variables| variables.iter().cloned().collect::<Map<_, _>>());
    let environment = Environment::with_prefix(ENV_PREFIX)
        .prefix_separator("__")
        .separator("__")
        .try_parsing(false)
        .source(source);
    let map = environment.collect().map_err(|_| SettingFault {
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

/// Adds the keys of a table. An empty table stays, so that a mistyped section is reported.
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

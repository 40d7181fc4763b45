//! Takes the settings out of the layers one by one and collects the faults, to report them at once.
//!
//! A wrong value is replaced by its default until the end, so that the other settings can still be
//! checked.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use config::{Value, ValueKind};

use super::layer::{Layer, Sources, defaults, user};
use crate::config::fault::{ConfigFaults, SettingFault};

/// The longest time of a setting.
const WEEK_MS: u64 = 7 * 24 * 3600 * 1000;

/// The largest buffer or ring: 1 TiB.
pub(super) const BYTES_MAX: u64 = 1 << 40;
/// The largest number of items that may wait, be kept or be open.
pub(super) const COUNT_MAX: u64 = 100_000_000;

/// The detail of a fault: what would be right.
pub(super) type FaultDetail = String;

/// The layers, and the faults found so far.
pub(super) struct SettingReader {
    user: Layer,
    defaults: Layer,
    known: BTreeSet<&'static str>,
    faulty: BTreeSet<&'static str>,
    faults: Vec<SettingFault>,
}

impl SettingReader {
    pub(super) fn new(sources: &Sources) -> Self {
        let mut faults = Vec::new();
        let user = user(sources, &mut faults);
        Self {
            user,
            defaults: defaults(),
            known: BTreeSet::new(),
            faulty: BTreeSet::new(),
            faults,
        }
    }

    /// A setting that has a default.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&Value) -> Result<T, FaultDetail>,
    ) -> T {
        match self.written(key, &parse) {
            Some(value) => value,
            None => parse(&self.defaults[key]).expect("the compiled-in defaults are valid"),
        }
    }

    /// A setting without a default; none where the user did not write it, or wrote it wrongly.
    pub(super) fn written<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&Value) -> Result<T, FaultDetail>,
    ) -> Option<T> {
        self.known.insert(key);
        match parse(self.user.get(key)?) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.fault(key, detail);
                None
            }
        }
    }

    /// Whether the user wrote this setting, rightly or wrongly.
    pub(super) fn is_written(&self, key: &str) -> bool {
        self.user.contains_key(key)
    }

    /// A number within limits, of which the lower is at least 1.
    pub(super) fn number<T>(&mut self, key: &'static str, limits: RangeInclusive<u64>) -> T
    where
        T: TryFrom<NonZeroU64>,
    {
        let parse = |value: &Value| {
            number(value, &limits).and_then(|n| T::try_from(n).map_err(|_| range(&limits)))
        };
        self.read(key, parse)
    }

    /// A time in milliseconds, at least 1 and at most a week.
    pub(super) fn milliseconds(&mut self, key: &'static str) -> Duration {
        self.read(key, milliseconds)
    }

    /// A setting that is parsed from a text.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> T {
        self.read(key, |value| text(value)?.parse().map_err(detail))
    }

    /// Whether all of these have no fault, so that they can be compared.
    pub(super) fn sound(&self, keys: &[&'static str]) -> bool {
        keys.iter().all(|key| !self.faulty.contains(key))
    }

    pub(super) fn fault(&mut self, key: &'static str, detail: String) {
        let origin = self
            .user
            .get(key)
            .and_then(Value::origin)
            .map(str::to_owned);
        self.faulty.insert(key);
        self.faults.push(SettingFault {
            key: key.to_owned(),
            origin,
            detail,
        });
    }

    /// Ends the reading. A key that the user wrote and nothing has read is a fault as well.
    pub(super) fn finish<T>(mut self, value: T) -> Result<T, ConfigFaults> {
        let unread: Vec<SettingFault> = self
            .user
            .iter()
            .filter_map(|(key, value)| self.unknown(key, value))
            .collect();
        self.faults.extend(unread);
        if self.faults.is_empty() {
            Ok(value)
        } else {
            Err(ConfigFaults(self.faults))
        }
    }

    fn unknown(&self, key: &str, value: &Value) -> Option<SettingFault> {
        if self.known.contains(key) {
            return None;
        }
        let empty = matches!(&value.kind, ValueKind::Nil)
            || matches!(&value.kind, ValueKind::Table(t) if t.is_empty());
        let (parent, own) = (
            key.rsplit_once('.').map(|(parent, _)| parent),
            self.section(key),
        );
        let siblings = parent
            .map(|parent| self.section(parent))
            .unwrap_or_default();
        let detail = match parent {
            _ if !own.is_empty() && empty => return None,
            _ if !own.is_empty() => format!("is a section, with the settings {}", own.join(", ")),
            Some(parent) if !siblings.is_empty() => {
                format!(
                    "there is no such setting; {parent} has {}",
                    siblings.join(", ")
                )
            }
            _ => format!(
                "there is no such setting; there are {}",
                self.top_level().join(", ")
            ),
        };
        Some(SettingFault {
            key: key.to_owned(),
            origin: value.origin().map(str::to_owned),
            detail,
        })
    }

    /// The names of the settings in a section.
    fn section(&self, name: &str) -> Vec<&str> {
        let inside = format!("{name}.");
        self.known
            .iter()
            .filter_map(|known| known.strip_prefix(&inside))
            .collect()
    }

    fn top_level(&self) -> Vec<&str> {
        let names: BTreeSet<&str> = self
            .known
            .iter()
            .map(|key| key.split_once('.').map_or(*key, |(section, _)| section))
            .collect();
        names.into_iter().collect()
    }
}

pub(super) fn range(limits: &RangeInclusive<u64>) -> FaultDetail {
    format!(
        "has to be a whole number from {} to {}",
        limits.start(),
        limits.end()
    )
}

/// A number, or the text of one: all values of the environment are texts.
pub(super) fn number(
    value: &Value,
    limits: &RangeInclusive<u64>,
) -> Result<NonZeroU64, FaultDetail> {
    let number = match &value.kind {
        ValueKind::I64(number) => u64::try_from(*number).ok(),
        ValueKind::U64(number) => Some(*number),
        ValueKind::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|number| limits.contains(number))
        .and_then(NonZeroU64::new)
        .ok_or_else(|| range(limits))
}

/// A time in milliseconds, 1 to a week.
pub(super) fn milliseconds(value: &Value) -> Result<Duration, FaultDetail> {
    number(value, &(1..=WEEK_MS)).map(|number| Duration::from_millis(number.get()))
}

/// A time in milliseconds, 0 to a week.
pub(super) fn milliseconds_from_0(value: &Value) -> Result<Duration, FaultDetail> {
    let zero = match &value.kind {
        ValueKind::I64(number) => *number == 0,
        ValueKind::String(text) => text.trim() == "0",
        _ => false,
    };
    if zero {
        return Ok(Duration::ZERO);
    }
    milliseconds(value).map_err(|_| range(&(0..=WEEK_MS)))
}

/// A number that need not be whole, or the text of one.
pub(super) fn fraction(value: &Value) -> Result<f64, FaultDetail> {
    let number = match &value.kind {
        ValueKind::Float(number) => Some(*number),
        ValueKind::I64(number) => i32::try_from(*number).ok().map(f64::from),
        ValueKind::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| "has to be a number".into())
}

/// The message of an error, which says what would be right.
pub(super) fn detail(error: impl Display) -> FaultDetail {
    error.to_string()
}

pub(super) fn text(value: &Value) -> Result<&str, FaultDetail> {
    match &value.kind {
        ValueKind::String(text) => Ok(text),
        _ => Err("has to be a text".into()),
    }
}

pub(super) fn truth(value: &Value) -> Result<bool, FaultDetail> {
    match &value.kind {
        ValueKind::Boolean(truth) => Ok(*truth),
        ValueKind::String(text) if text == "true" => Ok(true),
        ValueKind::String(text) if text == "false" => Ok(false),
        _ => Err("has to be true or false".into()),
    }
}

/// A list of texts; in the environment, one text with commas.
pub(super) fn list(value: &Value) -> Result<Vec<String>, FaultDetail> {
    match &value.kind {
        ValueKind::Array(values) => values
            .iter()
            .map(|value| text(value).map(str::to_owned))
            .collect::<Result<_, _>>()
            .map_err(|_| "has to be a list of texts".into()),
        ValueKind::String(text) => Ok(text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()),
        _ => Err("has to be a list of texts".into()),
    }
}

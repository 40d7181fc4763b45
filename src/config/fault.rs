//! The faults of a configuration, reported together.

use std::fmt;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// The setting's key; `--config` for the file as a whole.
    pub key: String,
    /// The source that set it, for example a file's name.
    pub origin: Option<String>,
    /// What would be right. Never contains the value.
    pub detail: String,
}

/// All faults of a configuration; at least one.
#[derive(Debug, thiserror::Error)]
pub struct ConfigFaults(pub Vec<SettingFault>);

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.detail)?;
        match &self.origin {
            Some(origin) => write!(f, " (set in {origin})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [fault] => write!(f, "the configuration is not valid: {fault}"),
            faults => {
                write!(f, "the configuration has {} faults:", faults.len())?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}

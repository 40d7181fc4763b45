//! Settings: from the compiled-in defaults, a file, the environment and flags (later over earlier)
//! to typed values.
//!
//! All faults are found in one go and told by key, with what would be right and never with the
//! value: a password may stand in any of them. Below this module nobody knows where a setting came
//! from.

mod fault;
mod layer;
mod listen;
mod load;
mod options;
mod reader;
mod settings;
mod show;
mod store_url;

pub use fault::{ConfigFaults, Fault};
pub use layer::{ENV_PREFIX, Sources};
pub use listen::{InvalidListen, Listen};
pub use settings::{
    AdminSettings, AuthMode, HttpSettings, LiveSettings, LogSettings, Migrate, Settings,
    StoreSettings, SubscriptionSettings, TraceSettings,
};
pub use store_url::{RedisUrl, StoreUrl};

/// The defaults, as users see them.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

#[cfg(test)]
mod tests;

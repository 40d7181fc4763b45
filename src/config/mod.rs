//! Settings: typed values from the compiled-in defaults, a TOML file, the environment and flags.
//! Later sources override earlier ones.
//!
//! All faults are reported at once. Each names its key and a right value, and never repeats the
//! wrong one: it may contain a password. The modules below do not know where a setting comes from.

mod fault;
mod listen;
mod load;
mod options;
mod settings;
mod show;
mod store_settings;
mod store_url;

pub use fault::{ConfigFaults, SettingFault};
pub use listen::{InvalidListenAddress, ListenAddress};
pub use load::{ENV_PREFIX, Sources};
pub use settings::{
    AdminSettings, AuthMode, AuthSettings, HttpSettings, KeyFile, LiveSettings, LogSettings,
    PolicyFile, Settings, TraceSettings,
};
pub use store_settings::{
    Migration, Secret, SentinelSettings, StoreSettings, SubscriptionSettings,
};
pub use store_url::{RedisKind, RedisUrl, StoreUrl};

/// The file of the defaults, `config/default.toml`.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

#[cfg(test)]
mod tests;

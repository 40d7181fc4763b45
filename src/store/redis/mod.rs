//! The store for several gateways: people, log and publication in one Redis, a master behind
//! sentinels, or a cluster. Each write is one script.
//!
//! `commands` makes the commands, `router` sends them to the owners of their keys and repeats them,
//! `reply` reads the answers. `topology` knows the owners, `connection` talks to one server, `feed`
//! subscribes to all. `opening` prepares the layout before any of it. `store` puts them together;
//! `probe` (of `heads`, and of the `agreement` of keys) and `audit` are its checks.

mod agreement;
mod audit;
mod commands;
mod connection;
mod error;
mod feed;
mod heads;
mod opening;
mod options;
mod probe;
mod reply;
mod router;
mod scripts;
mod store;
mod topology;
mod url;

pub use commands::hash_tag;
pub use connection::secret_line;
pub use error::OpenError;
pub use opening::{MigrationReport, migrate};
pub use options::{Durability, Options, PubSub, SentinelOptions};
pub use scripts::save_script;
pub use store::RedisStore;
pub use url::{REDACTED, UrlParts, redacted};

// For the simulation of a cluster, which drives the machine together with the relay's.
#[cfg(test)]
pub(crate) use connection::Address;
#[cfg(test)]
pub(crate) use topology::{Map, MapEpoch, MapSources, Step, Topology};

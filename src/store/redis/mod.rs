//! The store for several gateways: people, log and publication in one Redis. Each write is one
//! script.
//!
//! `commands` makes the commands, `connection` sends and repeats them, `reply` reads the answers,
//! `feed` is the subscription. `migration` prepares the layout before any of it. `store` puts them
//! together; `heads` and `audit` are its checks.

mod audit;
mod commands;
mod connection;
mod error;
mod feed;
mod heads;
mod migration;
mod options;
mod reply;
mod scripts;
mod store;

pub use error::OpenError;
pub use migration::{MigrationReport, migrate};
pub use options::{Options, redacted};
pub use scripts::save_script;
pub use store::RedisStore;

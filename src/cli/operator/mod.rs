//! The commands of an operator: run the gateway, maintain its store, look at its settings and
//! health.

mod config;
mod flags;
mod health;
mod serve;
mod store;

pub(super) use config::config;
pub(super) use flags::{CheckFlags, HealthFlags, ServeFlags, StoreFlags};
pub(super) use health::health;
pub(super) use serve::serve;
pub(super) use store::{check, migrate};

//! What metrics are made of. Each module declares its own metrics struct with [`metrics!`]; `app`
//! registers all of them in one registry.
//!
//! Metrics are plain atomics; clones share them. Code that runs once per delivery counts in plain
//! numbers and adds the sums to the metrics once ([`Observations`]).

mod histogram;
mod label;
#[cfg(target_os = "linux")]
mod process;
mod static_family;
mod text_format;

pub use histogram::{Histogram, Observations, WallClock};
pub use label::Label;
pub use static_family::StaticFamily;
pub use text_format::text_format;

use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::Readiness;
#[cfg(target_os = "linux")]
use process::ProcessCollector;

/// The first part of every name of ours.
pub(crate) const PREFIX: &str = "people_gateway";

/// Declares a struct of metrics. A field's name is the metric's name without [`PREFIX`], and its
/// doc comment is the metric's help text. docs/operations.md lists all of them; a test compares.
macro_rules! metrics {
    (
        $(#[$attribute:meta])*
        pub struct $type:ident {
            $( $(#[doc = $help:literal])* $name:ident: $kind:ty ),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, Default)]
        pub struct $type {
            $( $(#[doc = $help])* pub $name: $kind, )*
        }

        impl $type {
            /// Fresh metrics, registered under `people_gateway_`.
            pub fn register(registry: &mut ::prometheus_client::registry::Registry) -> Self {
                let metrics = Self::default();
                let registry = registry.sub_registry_with_prefix($crate::telemetry::PREFIX);
                $(
                    let help = concat!($($help),*).trim();
                    registry.register(stringify!($name), help, metrics.$name.clone());
                )*
                metrics
            }
        }
    };
}
pub(crate) use metrics;

/// A registry with the gateway's readiness, its version, and the state of its process.
/// The modules' metrics are registered by `metrics!`.
pub fn registry(readiness: Readiness) -> Registry {
    let mut registry = Registry::default();
    let own = registry.sub_registry_with_prefix(PREFIX);
    own.register_collector(Box::new(readiness));
    // A gauge, as in other exporters: some scrapers do not know the type `info` of OpenMetrics.
    let built = own.sub_registry_with_label(("version".into(), env!("CARGO_PKG_VERSION").into()));
    built.register(
        "build_info",
        "What this gateway was built from: always 1",
        ConstGauge::new(1_i64),
    );
    #[cfg(target_os = "linux")]
    registry.register_collector(Box::new(ProcessCollector));
    registry
}

//! The flags that set settings.

use std::path::PathBuf;

use clap::Args;

use crate::config::{ConfigFaults, Settings, Sources};

#[derive(Args, Debug)]
pub(in crate::cli) struct ServeFlags {
    /// The address of REST and live updates; a name means all its addresses [default:
    /// 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// The address of /livez, /readyz and /metrics [default: 127.0.0.1:9091]
    #[arg(long, value_name = "HOST:PORT")]
    admin_listen: Option<String>,
    /// How callers are authenticated: jwt (by tokens) or none
    #[arg(long, value_name = "MODE")]
    auth: Option<String>,
    #[command(flatten)]
    store: StoreFlags,
    /// Only check the store's layout, don't bring it up to date
    #[arg(long)]
    no_migrate: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct StoreFlags {
    /// embedded:DIR, redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE],
    /// redis-sentinel://[USER:PASSWORD@]HOST[:PORT],…/MASTER[/DATABASE] or
    /// redis-cluster://[USER:PASSWORD@]HOST[:PORT],…; with TLS rediss… [default: embedded:./data]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// A TOML file with settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct CheckFlags {
    #[command(flatten)]
    pub(super) store: StoreFlags,
    /// Repair the damage, also while gateways run; affected clients get a new snapshot
    #[arg(long)]
    pub(super) repair: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct HealthFlags {
    /// The admin address of the gateway [default: 127.0.0.1:9091]
    #[arg(long, value_name = "HOST:PORT")]
    admin_listen: Option<String>,
    /// The file with that gateway's settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ServeFlags {
    pub(in crate::cli) fn settings(self) -> Result<Settings, ConfigFaults> {
        let mut sources = self.store.sources();
        set(&mut sources, "listen", self.listen, "--listen");
        set(
            &mut sources,
            "admin.listen",
            self.admin_listen,
            "--admin-listen",
        );
        set(&mut sources, "auth.mode", self.auth, "--auth");
        set(
            &mut sources,
            "store.migrate",
            self.no_migrate.then(|| "false".to_owned()),
            "--no-migrate",
        );
        Settings::load(&sources)
    }
}

impl StoreFlags {
    fn sources(self) -> Sources {
        let mut sources = Sources {
            file: self.config,
            ..Sources::default()
        };
        set(&mut sources, "store.url", self.store, "--store");
        sources
    }

    pub(in crate::cli) fn settings(self) -> Result<Settings, ConfigFaults> {
        Settings::load(&self.sources())
    }
}

impl HealthFlags {
    pub(in crate::cli) fn settings(self) -> Result<Settings, ConfigFaults> {
        let mut sources = Sources {
            file: self.config,
            ..Sources::default()
        };
        set(
            &mut sources,
            "admin.listen",
            self.admin_listen,
            "--admin-listen",
        );
        Settings::load(&sources)
    }
}

fn set(sources: &mut Sources, key: &'static str, value: Option<String>, flag: &'static str) {
    sources.flags.extend(value.map(|value| (key, value, flag)));
}

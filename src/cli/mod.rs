//! The command line: what the user typed, and which command that is. Each command is a file.

mod config;
mod health;
mod migrate;
mod openapi;
mod serve;
mod watch;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{ConfigFaults, Settings, Sources};

/// People saved and deleted over REST reach every WebSocket client that chose them.
#[derive(Debug, Parser)]
#[command(name = "people-gateway", version, args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeFlags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve REST and live updates; the default
    Serve(ServeFlags),
    /// Bring the store's layout up to date, and end
    Migrate(StoreFlags),
    /// Print the effective settings as TOML, passwords hidden
    Config(ServeFlags),
    /// Ask a running gateway's /readyz: exit code 0 when it is ready, 1 when not
    Health(HealthFlags),
    /// Print the description of REST as OpenAPI 3.1, as a gateway serves it at /openapi.json
    Openapi,
    /// Show live updates: lines to read in a terminal, NDJSON in a pipe
    Watch(watch::WatchFlags),
}

#[derive(Args, Debug)]
struct ServeFlags {
    /// Where to serve REST and live updates [default: 127.0.0.1:8080]
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<String>,
    /// Where to serve /livez, /readyz and /metrics [default: 127.0.0.1:9091]
    #[arg(long, value_name = "IP:PORT")]
    admin_listen: Option<String>,
    #[command(flatten)]
    store: StoreFlags,
    /// Only check the store's layout, don't bring it up to date
    #[arg(long)]
    no_migrate: bool,
}

#[derive(Args, Debug)]
struct StoreFlags {
    /// embedded:DIR, redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or rediss://… [default: embedded:./data]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// A file with settings, in TOML, YAML or JSON
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct HealthFlags {
    /// The admin address of the gateway to ask [default: 127.0.0.1:9091]
    #[arg(long, value_name = "IP:PORT")]
    admin_listen: Option<String>,
    /// The file with that gateway's settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Cli {
    /// Carries out the command, to its end.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command.unwrap_or(Command::Serve(self.serve)) {
            Command::Serve(flags) => serve::run(flags.settings()?),
            Command::Migrate(flags) => migrate::run(flags.settings()?),
            Command::Config(flags) => config::run(&flags.settings()?),
            Command::Health(flags) => health::run(&flags.settings()?),
            Command::Openapi => openapi::run(),
            Command::Watch(flags) => watch::run(flags),
        }
    }
}

impl ServeFlags {
    fn settings(self) -> Result<Settings, ConfigFaults> {
        let mut sources = self.store.sources();
        set(&mut sources, "listen", self.listen, "--listen");
        set(&mut sources, "admin.listen", self.admin_listen, "--admin-listen");
        set(&mut sources, "store.migrate", self.no_migrate.then(|| "false".to_owned()), "--no-migrate");
        Settings::load(&sources)
    }
}

impl StoreFlags {
    fn sources(self) -> Sources {
        let mut sources = Sources { file: self.config, ..Sources::default() };
        set(&mut sources, "store.url", self.store, "--store");
        sources
    }

    fn settings(self) -> Result<Settings, ConfigFaults> {
        Settings::load(&self.sources())
    }
}

impl HealthFlags {
    fn settings(self) -> Result<Settings, ConfigFaults> {
        let mut sources = Sources { file: self.config, ..Sources::default() };
        set(&mut sources, "admin.listen", self.admin_listen, "--admin-listen");
        Settings::load(&sources)
    }
}

fn set(sources: &mut Sources, key: &'static str, value: Option<String>, flag: &'static str) {
    sources.flags.extend(value.map(|value| (key, value, flag)));
}

//! The command line: what the user typed, and which command that is. Each command is a file.

mod config;
mod export;
mod gateway;
mod get;
mod health;
mod import;
mod pages;
mod save;
mod serve;
mod shown;
mod store;
mod values;
mod watch;

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::config::{ConfigFaults, Settings, Sources};

/// People saved and deleted over REST reach every WebSocket client that chose them.
#[derive(Debug, Parser)]
#[command(
    name = "people-gateway",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
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
    /// Compare people, ids and logs in the store, and say what is wrong: exit code 0 when nothing
    /// is, 1 when something is
    ///
    /// An embedded store is locked by the gateway that serves it: stop that first. A store in Redis
    /// is checked and repaired beside running gateways. --repair saves a damaged person again as
    /// the log knows it, or deletes it where the log does not; lists people who are not listed;
    /// takes out of lists and logs what is nobody's.
    Check(store::CheckFlags),
    /// Print the effective settings as TOML, passwords hidden
    Config(ServeFlags),
    /// Ask a running gateway's /readyz: exit code 0 when it is ready, 1 when not
    Health(HealthFlags),
    /// Print the description of REST as OpenAPI 3.1, as a gateway serves it at /openapi.json
    Openapi,
    /// Show live updates: lines to read in a terminal, NDJSON in a pipe
    Watch(watch::WatchFlags),
    /// Save the people of a CSV or NDJSON file
    Import(import::ImportFlags),
    /// Write people as NDJSON or CSV
    Export(export::ExportFlags),
    /// Save one person, from flags or from JSON
    Save(save::SaveFlags),
    /// Show people by their ids
    Get(get::GetFlags),
    /// Delete people by their ids
    Delete(get::DeleteFlags),
    /// Print what a shell needs to complete these commands
    Completions(pages::CompletionsFlags),
    /// Print the manual page, or write those of all commands
    Man(pages::ManFlags),
}

#[derive(Args, Debug)]
struct ServeFlags {
    /// Where to serve REST and live updates; a name stands for all its addresses [default:
    /// 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Where to serve /livez, /readyz and /metrics [default: 127.0.0.1:9091]
    #[arg(long, value_name = "HOST:PORT")]
    admin_listen: Option<String>,
    #[command(flatten)]
    store: StoreFlags,
    /// Only check the store's layout, don't bring it up to date
    #[arg(long)]
    no_migrate: bool,
}

#[derive(Args, Debug)]
struct StoreFlags {
    /// embedded:DIR, redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or rediss://… [default:
    /// embedded:./data]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// A file with settings, in TOML, YAML or JSON
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct HealthFlags {
    /// The admin address of the gateway to ask [default: 127.0.0.1:9091]
    #[arg(long, value_name = "HOST:PORT")]
    admin_listen: Option<String>,
    /// The file with that gateway's settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Cli {
    /// Carries out the command, to its end.
    pub fn run(self) -> anyhow::Result<()> {
        match self.carry_out() {
            Err(error) if error.is::<gateway::ReaderGone>() => Ok(()),
            outcome => outcome,
        }
    }

    fn carry_out(self) -> anyhow::Result<()> {
        match self.command.unwrap_or(Command::Serve(self.serve)) {
            Command::Serve(flags) => serve::run(flags.settings()?),
            Command::Migrate(flags) => store::migrate(flags.settings()?),
            Command::Check(flags) => store::check(flags),
            Command::Config(flags) => config::run(&flags.settings()?),
            Command::Health(flags) => health::run(&flags.settings()?),
            Command::Openapi => pages::openapi(),
            Command::Watch(flags) => watch::run(flags),
            Command::Import(flags) => import::run(flags),
            Command::Export(flags) => export::run(flags),
            Command::Save(flags) => save::run(flags),
            Command::Get(flags) => get::get(flags),
            Command::Delete(flags) => get::delete(flags),
            Command::Completions(flags) => pages::completions(&flags),
            Command::Man(flags) => pages::man(flags),
        }
    }
}

impl ServeFlags {
    fn settings(self) -> Result<Settings, ConfigFaults> {
        let mut sources = self.store.sources();
        set(&mut sources, "listen", self.listen, "--listen");
        set(
            &mut sources,
            "admin.listen",
            self.admin_listen,
            "--admin-listen",
        );
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

    fn settings(self) -> Result<Settings, ConfigFaults> {
        Settings::load(&self.sources())
    }
}

impl HealthFlags {
    fn settings(self) -> Result<Settings, ConfigFaults> {
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

/// An error as standard error should have it. What it quotes, of a file or from a gateway, must not
/// steer the terminal.
pub fn told(error: &anyhow::Error) -> String {
    shown::visible_lines(&format!("people-gateway: {error:#}")).into_owned()
}

/// Ends the program as clap does where flags don't fit together: with this and the command's usage,
/// and exit code 2.
fn usage(name: &str, fault: &str) -> ! {
    let mut command = Cli::command();
    command.build();
    let command = command
        .find_subcommand_mut(name)
        .expect("each command asks for its own usage");
    command.error(ErrorKind::ArgumentConflict, fault).exit()
}

/// What stands between cells: one ASCII character, or the word `tab`.
fn separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" => Ok(b'\t'),
        [byte]
            if byte.is_ascii()
                && !matches!(byte, b'"' | b'\r' | b'\n')
                && !byte.is_ascii_alphanumeric() =>
        {
            Ok(*byte)
        }
        _ => Err("expected one character, such as ; or the word tab".to_owned()),
    }
}

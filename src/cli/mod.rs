//! The command line: parses the arguments, and runs the command. Each command is a file below.

mod flag_conflict;
mod gateway;
mod operator;
mod pages;
mod people;
mod terminal;
mod tokens;
mod watch;

use clap::{CommandFactory as _, Parser, Subcommand};

use flag_conflict::FlagConflict;
use operator::{CheckFlags, HealthFlags, ServeFlags, StoreFlags};
use people::{DeleteFlags, ExportFlags, GetFlags, ImportFlags, SaveFlags};

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
    command: Option<CliCommand>,
    #[command(flatten)]
    serve: ServeFlags,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Serve REST and live updates; the default
    Serve(ServeFlags),
    /// Bring the store's layout up to date, and exit
    Migrate(StoreFlags),
    /// Check people, ids and logs in the store: exit code 0 if nothing is wrong, 1 if something is
    ///
    /// A running gateway locks its embedded store: stop the gateway first. A store in Redis can be
    /// checked and repaired while gateways run. --repair saves a damaged person again from
    /// the log, or deletes the person if the log has no change of it; adds missing people to the
    /// lists; removes entries of lists and logs without a person.
    Check(CheckFlags),
    /// Print the effective settings as TOML, passwords hidden
    Config(ServeFlags),
    /// Ask a running gateway's /readyz: exit code 0 if it is ready, 1 if not
    Health(HealthFlags),
    /// Print the description of REST as OpenAPI 3.1, as a gateway serves it at /openapi.json
    Openapi,
    /// Print a token for a caller, for gateways with auth.mode = "jwt"
    Token(tokens::TokenFlags),
    /// Make the keys that tokens are signed with, and print their public halves
    #[command(subcommand)]
    Keys(tokens::KeysCommand),
    /// Print what a policy gives to a token
    Rights(tokens::RightsFlags),
    /// Show live updates: readable lines in a terminal, NDJSON in a pipe
    Watch(watch::WatchFlags),
    /// Save the people of a CSV or NDJSON file
    Import(ImportFlags),
    /// Write people as NDJSON or CSV
    Export(ExportFlags),
    /// Save one person, from flags or from JSON
    Save(SaveFlags),
    /// Show people by their ids
    Get(GetFlags),
    /// Delete people by their ids
    Delete(DeleteFlags),
    /// Print the completions of these commands for a shell
    Completions(pages::CompletionsFlags),
    /// Print the manual page, or write those of all commands
    Man(pages::ManFlags),
}

impl Cli {
    /// Runs the command to its end. Conflicting flags exit with the command's usage and code 2.
    pub fn run(self) -> anyhow::Result<()> {
        match self.run_command() {
            Err(error) if error.is::<terminal::ClosedOutput>() => Ok(()),
            Err(error) => match error.downcast::<FlagConflict>() {
                Ok(conflict) => conflict.exit(Self::command()),
                Err(error) => Err(error),
            },
            Ok(()) => Ok(()),
        }
    }

    fn run_command(self) -> anyhow::Result<()> {
        match self.command.unwrap_or(CliCommand::Serve(self.serve)) {
            CliCommand::Serve(flags) => operator::serve(flags.settings()?),
            CliCommand::Migrate(flags) => operator::migrate(flags.settings()?),
            CliCommand::Check(flags) => operator::check(flags),
            CliCommand::Config(flags) => operator::config(&flags.settings()?),
            CliCommand::Health(flags) => operator::health(&flags.settings()?),
            CliCommand::Openapi => pages::openapi(),
            CliCommand::Token(flags) => tokens::token(flags),
            CliCommand::Keys(command) => tokens::keys(command),
            CliCommand::Rights(flags) => tokens::rights(flags),
            CliCommand::Watch(flags) => watch::run(flags),
            CliCommand::Import(flags) => people::import(flags),
            CliCommand::Export(flags) => people::export(flags),
            CliCommand::Save(flags) => people::save(flags),
            CliCommand::Get(flags) => people::get(flags),
            CliCommand::Delete(flags) => people::delete(flags),
            CliCommand::Completions(flags) => pages::completions(&flags, Self::command()),
            CliCommand::Man(flags) => pages::man(flags, Self::command()),
        }
    }
}

/// An error as a line for standard error. Quotes of files and gateways in it are made safe for a
/// terminal.
pub fn error_line(error: &anyhow::Error) -> String {
    terminal::visible_lines(&format!("people-gateway: {error:#}")).into_owned()
}

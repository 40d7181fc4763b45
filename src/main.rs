//! The binary: parse what was typed, do it, and turn the outcome into an exit code: 0 done, 1 failed, 2 wrong usage
//! (clap's own).

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use people_gateway::cli::Cli;

/// The binary's choice; whoever uses the library has their own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "people-gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! The binary: parse what was typed, do it, and turn the outcome into an exit code: 0 done, 1
//! failed, 2 wrong usage (clap's own).

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use people_gateway::cli::{self, Cli};

/// The binary's choice, measured on Linux; whoever uses the library has their own.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Without it memory is given back only as more is asked for, so an idle gateway would keep what
    // a storm left behind. Where a system has no such threads, it does.
    #[cfg(target_os = "linux")]
    let _ = tikv_jemalloc_ctl::background_thread::write(true);
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "{}", cli::told(&error));
            ExitCode::FAILURE
        }
    }
}

//! The binary: parses the arguments, runs the command, and returns its exit code: 0 done, 1 failed,
//! 2 wrong usage.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use people_gateway::cli::{self, Cli};

/// The allocator of the binary, chosen by measurements on Linux (docs/benchmarks.md). The library
/// chooses none.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Without the background thread jemalloc returns memory only while the program allocates, so an
    // idle gateway would keep the memory of a storm. Systems without such threads keep it.
    #[cfg(target_os = "linux")]
    let _ = tikv_jemalloc_ctl::background_thread::write(true);
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing else can report that standard error is closed.
            let _ = writeln!(std::io::stderr(), "{}", cli::error_line(&error));
            ExitCode::FAILURE
        }
    }
}

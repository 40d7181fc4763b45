//! people-bench: what the gateway costs, measured so that anyone can repeat it
//! (docs/benchmarks.md).
//!
//! Each workload lets contestants take turns: gateways, and beside them a floor that does nothing
//! but write prepared frames. Servers and load are processes of their own; CPU time and memory are
//! read from /proc. Exit codes: 0 done, 1 failed or something was lost, 2 wrong usage.

#[cfg(target_os = "linux")]
mod cli;
#[cfg(target_os = "linux")]
mod floor;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod poller;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod say;
#[cfg(target_os = "linux")]
mod servers;
#[cfg(target_os = "linux")]
mod trial;
#[cfg(target_os = "linux")]
mod workloads;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use clap::Parser as _;
    use cli::{Cli, WrongUse};
    let Err(error) = Cli::parse().run() else {
        return ExitCode::SUCCESS;
    };
    // Where standard error is closed there is nobody left to tell.
    let _ = say::note(&format!("people-bench: {error:#}"));
    if error.is::<WrongUse>() {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    use std::io::Write as _;
    let _ = writeln!(
        std::io::stderr(),
        "people-bench: runs on Linux only: it reads /proc and waits with epoll"
    );
    ExitCode::FAILURE
}

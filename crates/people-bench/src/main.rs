//! people-bench measures the costs of the gateway, so that anyone can repeat it
//! (docs/benchmarks.md).
//!
//! In each workload contestants take turns: gateways, and a baseline that only writes prepared
//! frames. Servers and load are separate processes; CPU time and memory come from /proc. Exit
//! codes: 0 done, 1 failed or a delivery was lost, 2 wrong usage.

#[cfg(target_os = "linux")]
mod baseline;
#[cfg(target_os = "linux")]
mod cli;
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
    use cli::BenchCli;
    use workloads::UsageError;
    let Err(error) = BenchCli::parse().run() else {
        return ExitCode::SUCCESS;
    };
    // Nothing else can report that standard error is closed.
    let _ = say::note(&format!("people-bench: {error:#}"));
    if error.is::<UsageError>() {
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

//! Live updates over real sockets: what a delivery costs, what an idle connection costs.
//!
//! `cargo bench --bench live -- idle | fanout | flood`. The gateway runs as a process of its own, and so does the load;
//! CPU time and memory are the gateway's own, read from /proc. In turn with it runs a floor: a server that does nothing
//! but write prepared frames, on the same machine under the same load. The ratio to it is what can be compared.

mod contest;
mod floor;
mod load;
#[path = "../support/mod.rs"]
mod support;
mod workloads;

use anyhow::bail;

fn main() -> anyhow::Result<()> {
    // Cargo adds --bench.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        // The two processes that a workload starts beside the gateway.
        ["load", address, clients, ref plan @ ..] => load::run(address.parse()?, clients.parse()?, &plan.try_into()?),
        ["floor", writes] => floor::run(writes.try_into()?),
        ["idle"] => workloads::idle(),
        ["fanout"] => workloads::fanout(),
        ["flood"] => workloads::flood(),
        [] => {
            workloads::fanout()?;
            workloads::flood()?;
            workloads::idle()
        }
        _ => bail!("which of idle, fanout, flood?"),
    }
}

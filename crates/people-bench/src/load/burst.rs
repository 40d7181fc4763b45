//! Requests as fast as they are answered, over many connections.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};

use super::crowd::PATIENCE;
use super::rest::{Call, Caller, Request};
use crate::poller::{Interest, Poller};

/// Connections, each with one request under way.
pub(crate) const CONNECTIONS: usize = 64;

/// Sends requests about people, one after the other, beginning anew after `people` of them. Each
/// connection sends the next as soon as it has its answer, as long as `more` says so of the number
/// sent. Returns how many were answered, each as it should be.
pub(crate) fn burst(
    address: SocketAddr,
    call: Call,
    mut request: Request,
    people: u64,
    more: impl Fn(u64) -> bool,
) -> anyhow::Result<u64> {
    let mut poller = Poller::new()?;
    let (mut callers, mut sent, mut answered, mut ready) = (Vec::new(), 0, 0, Vec::new());
    while callers.len() < CONNECTIONS && more(sent) {
        let mut caller =
            Caller::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        poller.add(&caller.stream, callers.len(), Interest::Read)?;
        caller.send(request.of(sent % people))?;
        callers.push(caller);
        sent += 1;
    }
    while answered < sent {
        poller.wait(PATIENCE, &mut ready)?;
        ensure!(
            !ready.is_empty(),
            "no answer for {} seconds",
            PATIENCE.as_secs()
        );
        for number in &ready {
            let caller = &mut callers[*number];
            let Some(status) = caller.receive()? else {
                continue;
            };
            ensure!(
                status == call.status(),
                "a request was answered with status {status}"
            );
            answered += 1;
            if more(sent) {
                caller.send(request.of(sent % people))?;
                sent += 1;
            }
        }
    }
    Ok(answered)
}

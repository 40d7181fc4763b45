//! Sends requests as fast as the server answers, over many connections.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};

use super::caller::RestCaller;
use super::request::{PersonRequest, RequestKind};
use crate::load::plan::PATIENCE;
use crate::poller::{Interest, Poller};

/// The connections, each with one request in flight.
pub(crate) const CONNECTIONS: usize = 64;

/// Sends requests for people in order, and starts again after `people` of them. Each connection
/// sends the next request after its answer, as long as `more` accepts the number sent so far.
/// Returns the number of answers; each must have the expected status.
pub(crate) fn burst(
    address: SocketAddr,
    kind: RequestKind,
    mut request: PersonRequest,
    people: u64,
    more: impl Fn(u64) -> bool,
) -> anyhow::Result<u64> {
    let mut poller = Poller::new()?;
    let (mut callers, mut sent, mut answered, mut ready) = (Vec::new(), 0, 0, Vec::new());
    while callers.len() < CONNECTIONS && more(sent) {
        let mut caller =
            RestCaller::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        poller.add(&caller.stream, callers.len(), Interest::Read)?;
        caller.send(request.numbered(sent % people))?;
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
                status == kind.status(),
                "a request was answered with status {status}"
            );
            answered += 1;
            if more(sent) {
                caller.send(request.numbered(sent % people))?;
                sent += 1;
            }
        }
    }
    Ok(answered)
}

//! The baseline: a server of one thread that only writes prepared frames.
//!
//! It answers each handshake and each request, and reads only their ends, their topic (`x-group`)
//! and the sequence number of the change. For each request it sends one frame of the gateway's
//! length, with that number, to each client of the topic and to each client without one. If a
//! gateway takes the changes, the baseline follows that gateway's channel.

mod channel;
mod clients;
mod due;
mod frame;

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use crate::load::plan::{ClientFormat, Topics};
use crate::poller::{Interest, Poller};
use crate::say::say;
use channel::ChangeChannel;
use clients::Baseline;
pub(crate) use clients::SendMode;
use frame::PreparedFrame;

/// The listener's number in the poller.
const LISTENER: usize = usize::MAX;
/// The channel's number in the poller.
const CHANNEL: usize = usize::MAX - 1;

/// Prints its address, then serves until it is killed. Changes arrive as requests, or on the
/// channel of this Redis.
pub(crate) fn run(
    mode: SendMode,
    format: ClientFormat,
    topics: Topics,
    redis: Option<SocketAddr>,
) -> anyhow::Result<()> {
    // The measuring process may be killed, and must not leave this one behind.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    rustix::net::listen(&listener, 4096)?;
    let mut poller = Poller::new()?;
    let mut channel = redis.map(ChangeChannel::subscribe).transpose()?;
    if let Some(channel) = &channel {
        poller.add(&channel.stream, CHANNEL, Interest::Read)?;
    }
    say(&format!("http://{}\n", listener.local_addr()?))?;
    poller.add(&listener, LISTENER, Interest::Read)?;
    let mut baseline = Baseline::new(mode, PreparedFrame::new(format, topics)?);
    let (mut ready, mut due) = (Vec::new(), Vec::new());
    loop {
        poller.wait(Duration::from_secs(1), &mut ready)?;
        for number in &ready {
            if *number == LISTENER {
                baseline.accept(&listener, &poller)?;
            } else if *number == CHANNEL {
                channel
                    .iter_mut()
                    .try_for_each(|channel| channel.receive(&mut due))?;
            } else {
                due.extend(baseline.receive(*number)?);
            }
        }
        baseline.send(&due)?;
        due.clear();
    }
}

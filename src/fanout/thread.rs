//! The one thread that serves: it reads what the store publishes, has the relay put it in order,
//! and has the dispatcher write it to the sockets, without a hop between. What has to be asked of
//! the store runs on the gateway's other threads.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::dispatcher::Dispatcher;
use crate::history::Event;
use crate::relay::{self, BURST_MAX, Relay, RelayOutput};

/// Starts the thread. It ends when `stop` is cancelled, and cancels `ended` when it has ended, for
/// any reason. Must be called inside the runtime that is to run the questions to the store.
///
/// # Errors
/// When the thread, or its runtime, cannot be made.
pub fn spawn(
    options: relay::Options,
    links: relay::Links,
    dispatcher: Dispatcher,
    stop: CancellationToken,
    ended: CancellationToken,
) -> std::io::Result<()> {
    let workers = Handle::current();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let body = move || {
        let _ended = ended.drop_guard();
        let serving = run(options, links, dispatcher, workers);
        // Cancelling in the middle of a batch is fine here: the sessions were closed before.
        let _ = runtime.block_on(stop.run_until_cancelled(serving));
    };
    std::thread::Builder::new()
        .name("egress".into())
        .spawn(body)
        .map(drop)
}

/// Serves for ever, on the thread that calls. `workers` run the questions to the store.
pub async fn run(
    options: relay::Options,
    links: relay::Links,
    mut dispatcher: Dispatcher,
    workers: Handle,
) {
    let history = Arc::clone(&dispatcher.history);
    let (mut relay, mut inputs) = Relay::new(options, links, Arc::clone(&history), workers);
    let start = relay.start(&mut inputs.feed).await;
    dispatcher.start(start.cursor, start.events);
    let mut arrived = Vec::new();
    loop {
        let (due, held_until) = (dispatcher.due(), relay.held_until());
        // All branches are cancel safe: each takes what it takes at the moment that it completes.
        tokio::select! {
            () = inputs.feed.receive(&mut arrived, BURST_MAX), if dispatcher.has_room() => {
                relay.receive(arrived.drain(..));
            }
            Some(answer) = inputs.answers.recv() => relay.answer(answer),
            () = dispatcher.receive_commands() => dispatcher.apply_commands(),
            _ = inputs.ticks.tick() => relay.tick(),
            () = history.gap_suspected() => relay.probe(),
            () = wait_until(due) => {}
            () = wait_until(held_until) => {}
            // Only after all of the above had nothing.
            () = tokio::task::yield_now(), if dispatcher.is_busy() => {}
        }
        for output in relay.take_outputs() {
            match output {
                RelayOutput::Events(events) => take_in(&mut dispatcher, events).await,
                RelayOutput::Unproved(since) => dispatcher.tell_stale(since),
                RelayOutput::Proved => dispatcher.tell_fresh(),
                RelayOutput::Probe => relay.probe(),
            }
        }
        dispatcher.serve();
        // However much arrives, the timers and the channel's own task get their turn.
        tokio::task::coop::consume_budget().await;
    }
}

/// Hands events to the dispatcher once those before them are mostly sent.
async fn take_in(dispatcher: &mut Dispatcher, events: Vec<Event>) {
    while !dispatcher.has_room() {
        dispatcher.serve();
        tokio::task::yield_now().await;
    }
    dispatcher.take_in(events);
}

/// Without a time, waits forever.
async fn wait_until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

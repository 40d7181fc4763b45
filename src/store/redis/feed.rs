//! The subscription: one connection of its own, supervised for as long as the feed is held.
//!
//! Every step has a time limit, and a connection that gives no sign of life is dropped: a frozen
//! server or a dead link never says so by itself. What arrives is moved into the bounded queue at
//! once, because the library's own queue has no bound.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::redis::aio::{PubSubSink, PubSubStream};
use ::redis::{Client, Msg, Value};
use bytes::Bytes;
use futures_util::StreamExt as _;
use people_core::Backoff;
use tokio::time::{Instant, timeout};

use super::connect::check_clock;
use super::keys::Keys;
use super::options::Options;
use crate::domain::Partition;
use crate::store::{FeedEvent, FeedQueue};

/// Messages between two turns of the scheduler.
const MOST_AT_ONCE: usize = 256;

/// What keeps one subscription alive.
pub(super) struct Supervisor {
    client: Client,
    channels: HashMap<String, Source>,
    queue: Arc<FeedQueue>,
    options: Options,
    backoff: Backoff,
    /// How many probes the store has published.
    probes: Arc<AtomicU64>,
}

/// What a channel carries.
enum Source {
    Changes(Partition),
    Probes,
}

/// What arrived on a connection, counted.
#[derive(Default)]
struct Heard {
    anything: AtomicU64,
    /// Probes of this store object.
    probes: AtomicU64,
}

/// Why a subscription ended.
enum Ended {
    /// It can be tried again.
    Lost(String),
    /// Nobody reads the queue any more.
    Unread,
}

impl Supervisor {
    /// `probes` counts those that were published; they have to arrive.
    pub(super) fn new(
        options: &Options,
        client: Client,
        keys: &Keys,
        queue: Arc<FeedQueue>,
        probes: Arc<AtomicU64>,
    ) -> Self {
        let partitions = options.partitions.iter();
        let mut channels: HashMap<_, _> = partitions
            .map(|partition| {
                (
                    keys.of(partition).channel.clone(),
                    Source::Changes(partition),
                )
            })
            .collect();
        channels.insert(keys.probe.clone(), Source::Probes);
        Self {
            client,
            channels,
            queue,
            options: options.clone(),
            backoff: Backoff::new(options.backoff_min, options.backoff_max),
            probes,
        }
    }

    /// Runs until nobody reads the queue.
    pub(super) async fn run(self) {
        let mut backoff = self.backoff.clone();
        let mut told = false;
        loop {
            let why = match self.subscribe().await {
                Ok((sink, stream)) => {
                    tracing::info!(channels = self.channels.len(), "subscribed");
                    backoff = self.backoff.clone();
                    told = false;
                    let ended = self.serve(sink, stream).await;
                    if !self.queue.push(FeedEvent::Disconnected) {
                        return;
                    }
                    match ended {
                        Ended::Lost(why) => why,
                        Ended::Unread => return,
                    }
                }
                Err(why) => why,
            };
            // Once for each outage; the attempts in between tell an operator nothing new.
            if !std::mem::replace(&mut told, true) {
                tracing::warn!(why, "no subscription; trying again until there is one");
            }
            tokio::time::sleep(backoff.next_wait()).await;
        }
    }

    async fn subscribe(&self) -> Result<(PubSubSink, PubSubStream), String> {
        check_clock(&self.options)?;
        let subscribing = async {
            let (mut sink, stream) = self.client.get_async_pubsub().await?.split();
            let names: Vec<&str> = self.channels.keys().map(String::as_str).collect();
            sink.subscribe(names).await?;
            Ok::<_, ::redis::RedisError>((sink, stream))
        };
        match timeout(self.options.connect_timeout, subscribing).await {
            Ok(subscribed) => subscribed.map_err(|error| error.to_string()),
            Err(_) => Err("no answer within the time limit".to_owned()),
        }
    }

    /// Moves messages until the connection ends or goes silent.
    async fn serve(&self, sink: PubSubSink, stream: PubSubStream) -> Ended {
        if !self.queue.push(FeedEvent::Connected) {
            return Ended::Unread;
        }
        let heard = Heard::default();
        // Both branches own what they wait for; the one that is dropped leaves nothing half done.
        tokio::select! {
            ended = self.deliver(stream, &heard) => ended,
            ended = self.listen_for_life(sink, &heard) => ended,
        }
    }

    async fn deliver(&self, stream: PubSubStream, heard: &Heard) -> Ended {
        let mut ready = stream.ready_chunks(MOST_AT_ONCE);
        while let Some(messages) = ready.next().await {
            heard.anything.fetch_add(1, Ordering::Relaxed);
            for message in messages {
                let Some(event) = self.event(&message) else {
                    continue;
                };
                if event == FeedEvent::Probe {
                    heard.probes.fetch_add(1, Ordering::Relaxed);
                }
                if !self.queue.push(event) {
                    return Ended::Unread;
                }
            }
        }
        Ended::Lost("the connection ended".to_owned())
    }

    fn event(&self, message: &Msg) -> Option<FeedEvent> {
        match self.channels.get(message.get_channel_name())? {
            Source::Changes(partition) => Some(FeedEvent::Frame(
                *partition,
                Bytes::copy_from_slice(message.get_payload_bytes()),
            )),
            Source::Probes => Some(FeedEvent::Probe),
        }
    }

    /// Ends when there was neither an answer to a ping nor any message within the time limit. A
    /// late answer with messages in between is a busy connection, not a dead one. Ends too when
    /// probes that were published do not arrive, whatever else does: then the server is not the one
    /// that commands go to (a replica that was cut off, say, or a master that was replaced, to
    /// which others still write).
    async fn listen_for_life(&self, mut sink: PubSubSink, heard: &Heard) -> Ended {
        let mut last_probe = 0;
        let mut published = self.probes.load(Ordering::Relaxed);
        let mut unheard_since = None;
        loop {
            if heard.probes.load(Ordering::Relaxed) != last_probe {
                last_probe = heard.probes.load(Ordering::Relaxed);
                published = self.probes.load(Ordering::Relaxed);
                unheard_since = None;
            } else if self.probes.load(Ordering::Relaxed) > published {
                let since = *unheard_since.get_or_insert_with(Instant::now);
                if since.elapsed() > self.options.ping_timeout {
                    return Ended::Lost("what is published does not arrive".to_owned());
                }
            }
            tokio::time::sleep(self.options.ping_interval).await;
            let before = heard.anything.load(Ordering::Relaxed);
            match timeout(self.options.ping_timeout, sink.ping::<Value>()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Ended::Lost(error.to_string()),
                Err(_) if heard.anything.load(Ordering::Relaxed) != before => {}
                Err(_) => return Ended::Lost("no sign of life within the time limit".to_owned()),
            }
        }
    }
}

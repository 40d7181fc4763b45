//! The subscription: one connection of its own, supervised as long as the feed is held.
//!
//! Every step has a time limit, and a connection without a sign of life is dropped: a frozen server
//! or a dead link reports nothing. Messages are moved to the bounded queue at once, because the
//! library's own queue has no bound.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::redis::aio::{PubSubSink, PubSubStream};
use ::redis::{Client, Msg, Value};
use bytes::Bytes;
use futures_util::StreamExt as _;
use people_core::Backoff;
use tokio::time::{Instant, timeout};

use super::commands::KeyNames;
use super::connection::check_clock;
use super::options::Options;
use crate::domain::Partition;
use crate::store::{FeedEvent, FeedQueue};

/// Messages that are moved before the scheduler gets a turn.
const MESSAGES_AT_ONCE: usize = 256;

/// Keeps one subscription alive.
pub(super) struct Supervisor {
    client: Client,
    channels: HashMap<String, ChannelContent>,
    queue: Arc<FeedQueue>,
    options: Options,
    backoff: Backoff,
    /// The number of probes that the store has published.
    probes: Arc<AtomicU64>,
}

/// What a channel carries.
enum ChannelContent {
    Changes(Partition),
    Probes,
}

/// Counts the arrivals on one connection.
#[derive(Default)]
struct Arrivals {
    batches: AtomicU64,
    /// Probes of this store object.
    probes: AtomicU64,
}

/// Why a subscription ended.
enum SubscriptionEnd {
    /// The connection is lost; a new one may last.
    Lost(String),
    /// The feed was dropped.
    Unread,
}

impl Supervisor {
    /// A supervisor that fills `queue`. `probes` counts published probes, which must arrive.
    pub(super) fn new(
        options: &Options,
        client: Client,
        keys: &KeyNames,
        queue: Arc<FeedQueue>,
        probes: Arc<AtomicU64>,
    ) -> Self {
        let partitions = options.partitions.iter();
        let mut channels: HashMap<_, _> = partitions
            .map(|partition| {
                (
                    keys.of(partition).channel.clone(),
                    ChannelContent::Changes(partition),
                )
            })
            .collect();
        channels.insert(keys.probe.clone(), ChannelContent::Probes);
        Self {
            client,
            channels,
            queue,
            options: options.clone(),
            backoff: Backoff::new(options.backoff_min, options.backoff_max),
            probes,
        }
    }

    /// Runs until the feed is dropped.
    pub(super) async fn run(self) {
        let mut backoff = self.backoff.clone();
        let mut is_logged = false;
        loop {
            let why = match self.subscribe().await {
                Ok((sink, stream)) => {
                    tracing::info!(channels = self.channels.len(), "subscribed");
                    backoff = self.backoff.clone();
                    is_logged = false;
                    let end = self.serve(sink, stream).await;
                    if !self.queue.push(FeedEvent::Disconnected) {
                        return;
                    }
                    match end {
                        SubscriptionEnd::Lost(why) => why,
                        SubscriptionEnd::Unread => return,
                    }
                }
                Err(why) => why,
            };
            // One line an outage, not one an attempt.
            if !std::mem::replace(&mut is_logged, true) {
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

    /// Moves messages until the connection ends or is silent for too long.
    async fn serve(&self, sink: PubSubSink, stream: PubSubStream) -> SubscriptionEnd {
        if !self.queue.push(FeedEvent::Connected) {
            return SubscriptionEnd::Unread;
        }
        let arrivals = Arrivals::default();
        // Either branch may be dropped at any point: an event is pushed whole, a ping changes
        // nothing.
        tokio::select! {
            end = self.deliver(stream, &arrivals) => end,
            end = self.check_for_life(sink, &arrivals) => end,
        }
    }

    /// Moves messages to the queue.
    async fn deliver(&self, stream: PubSubStream, arrivals: &Arrivals) -> SubscriptionEnd {
        let mut ready = stream.ready_chunks(MESSAGES_AT_ONCE);
        while let Some(messages) = ready.next().await {
            arrivals.batches.fetch_add(1, Ordering::Relaxed);
            for message in messages {
                let Some(event) = self.event(&message) else {
                    continue;
                };
                if event == FeedEvent::Probe {
                    arrivals.probes.fetch_add(1, Ordering::Relaxed);
                }
                if !self.queue.push(event) {
                    return SubscriptionEnd::Unread;
                }
            }
        }
        SubscriptionEnd::Lost("the connection ended".to_owned())
    }

    fn event(&self, message: &Msg) -> Option<FeedEvent> {
        match self.channels.get(message.get_channel_name())? {
            ChannelContent::Changes(partition) => Some(FeedEvent::Frame(
                *partition,
                Bytes::copy_from_slice(message.get_payload_bytes()),
            )),
            ChannelContent::Probes => Some(FeedEvent::Probe),
        }
    }

    /// Ends if neither an answer to a ping nor a message came within the time limit. A late answer
    /// with messages in between is a busy connection, not a dead one. Ends too if published probes
    /// do not arrive, even if other messages do: then commands go to another server (this one is a
    /// replica that was cut off, or a replaced master to which others still write).
    async fn check_for_life(&self, mut sink: PubSubSink, arrivals: &Arrivals) -> SubscriptionEnd {
        let mut last_probe = 0;
        let mut published = self.probes.load(Ordering::Relaxed);
        let mut missing_since = None;
        loop {
            if arrivals.probes.load(Ordering::Relaxed) != last_probe {
                last_probe = arrivals.probes.load(Ordering::Relaxed);
                published = self.probes.load(Ordering::Relaxed);
                missing_since = None;
            } else if self.probes.load(Ordering::Relaxed) > published {
                let since = *missing_since.get_or_insert_with(Instant::now);
                if since.elapsed() > self.options.ping_timeout {
                    return SubscriptionEnd::Lost("published probes do not arrive".to_owned());
                }
            }
            tokio::time::sleep(self.options.ping_interval).await;
            let before = arrivals.batches.load(Ordering::Relaxed);
            match timeout(self.options.ping_timeout, sink.ping::<Value>()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return SubscriptionEnd::Lost(error.to_string()),
                Err(_) if arrivals.batches.load(Ordering::Relaxed) != before => {}
                Err(_) => {
                    return SubscriptionEnd::Lost(
                        "no sign of life within the time limit".to_owned(),
                    );
                }
            }
        }
    }
}

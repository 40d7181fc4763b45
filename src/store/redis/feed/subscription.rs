//! The subscription to the partitions of one server: one connection of its own, made again until
//! the subscription is stopped.
//!
//! Nothing but subscribing and pinging happens on the connection: the library takes an unsolicited
//! `sunsubscribe` for the answer to the oldest command, and all answers behind it for those of
//! their predecessors. Whatever is odd ends the connection. Every step has a time limit, and a
//! connection without a sign of life is dropped: a frozen server or a dead link reports nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, ProtocolVersion, PushInfo, PushKind, RedisError, ServerError, Value, cmd};
use bytes::Bytes;
use futures_util::future::try_join_all;
use people_core::Backoff;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::domain::Partition;
use crate::store::redis::commands::KeyNames;
use crate::store::redis::connection::{Address, CommandFailure, Endpoint, Server, client, limits};
use crate::store::redis::options::Options;
use crate::store::redis::topology::{Hint, Home};
use crate::store::{FeedEvent, FeedQueue, Metrics, PartitionSet};

/// What all subscriptions have in common.
#[derive(Clone)]
pub(super) struct FeedLinks {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) keys: Arc<KeyNames>,
    pub(super) queue: Arc<FeedQueue>,
    pub(super) hints: mpsc::Sender<Hint>,
    pub(super) options: Options,
    pub(super) metrics: Metrics,
}

/// Keeps the subscription to one server.
pub(super) struct MasterSubscription {
    links: FeedLinks,
    address: Address,
    partitions: PartitionSet,
    /// The probes that were published to the server.
    published: Arc<AtomicU64>,
}

/// What a channel carries.
#[derive(Clone, Copy)]
enum Channel {
    Changes(Partition),
    Probes,
}

/// What the driver of the connection does with a push.
struct Inbox {
    channels: HashMap<Vec<u8>, Channel>,
    partitions: PartitionSet,
    queue: Arc<FeedQueue>,
    pushes: AtomicU64,
    /// Probes of this store object.
    probes: AtomicU64,
    lost: Notify,
    unsubscribed: Notify,
}

/// Why a subscription ended.
enum SubscriptionEnd {
    /// The connection is lost; a new one may last.
    Lost(String),
    /// The server no longer carries a channel.
    Unsubscribed,
    /// It was stopped.
    Stopped,
}

/// Why there is no subscription.
struct NotSubscribed {
    why: String,
    hint: Hint,
}

impl MasterSubscription {
    /// The subscription to these partitions of a server.
    pub(super) fn new(links: FeedLinks, server: &Server, partitions: PartitionSet) -> Self {
        Self {
            links,
            address: server.address.clone(),
            partitions,
            published: Arc::clone(&server.probes),
        }
    }

    /// Runs until it is stopped, or the feed is dropped.
    pub(super) async fn run(self, stop: CancellationToken) {
        let options = &self.links.options;
        let fresh = Backoff::new(options.backoff_min, options.backoff_max);
        let (mut backoff, mut is_logged) = (fresh.clone(), false);
        let master = self.address.to_string();
        loop {
            let subscribed = stop.run_until_cancelled(self.subscribe()).await;
            let (why, hint) = match subscribed {
                None => return,
                Some(Ok((connection, inbox))) => {
                    let channels = inbox.channels.len();
                    tracing::info!(master, channels, "subscribed");
                    backoff = fresh.clone();
                    is_logged = false;
                    match self.serve(connection, &inbox, &stop).await {
                        None | Some(SubscriptionEnd::Stopped) => return,
                        Some(SubscriptionEnd::Lost(why)) => {
                            (why, Hint::Silent(self.address.clone()))
                        }
                        Some(SubscriptionEnd::Unsubscribed) => (
                            "a partition was moved away".to_owned(),
                            Hint::Unsubscribed(self.address.clone()),
                        ),
                    }
                }
                Some(Err(NotSubscribed { why, hint })) => (why, hint),
            };
            // One line an outage, not one an attempt.
            if !std::mem::replace(&mut is_logged, true) {
                tracing::warn!(
                    master,
                    why,
                    "no subscription; trying again until there is one"
                );
            }
            let _ = self.links.hints.try_send(hint);
            let pause = tokio::time::sleep(backoff.next_wait());
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    async fn subscribe(&self) -> Result<(MultiplexedConnection, Arc<Inbox>), NotSubscribed> {
        let (endpoint, options) = (&self.links.endpoint, &self.links.options);
        let silent = |why: String| NotSubscribed {
            why,
            hint: Hint::Silent(self.address.clone()),
        };
        endpoint
            .check_clock()
            .map_err(|why| silent(why.to_owned()))?;
        endpoint.credentials.reload();
        let info = endpoint.server(&self.address);
        let settings = info.redis_settings().clone();
        let info = info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3));
        let inbox = Arc::new(self.inbox());
        let receiver = Arc::clone(&inbox);
        let limits = limits(options).set_push_sender(move |push| receiver.take(push));
        let connecting = async {
            let client = client(info, options).map_err(|error| silent(error.to_string()))?;
            let connecting = client.get_multiplexed_async_connection_with_config(&limits);
            let connection = connecting
                .await
                .map_err(|error| silent(error.to_string()))?;
            // One channel a command: a refusal then tells which one.
            try_join_all(inbox.channels.iter().map(|(name, channel)| {
                let mut connection = connection.clone();
                async move {
                    let subscribed = self.command(name).exec_async(&mut connection).await;
                    subscribed.map_err(|error| self.refused(*channel, error))
                }
            }))
            .await?;
            Ok(connection)
        };
        match timeout(
            options.connect_timeout + options.command_timeout,
            connecting,
        )
        .await
        {
            Ok(connected) => Ok((connected?, inbox)),
            Err(_) => Err(silent("no answer within the time limit".to_owned())),
        }
    }

    fn command(&self, channel: &[u8]) -> Cmd {
        let mut command = cmd(self.links.keys.pubsub.subscribe());
        command.arg(channel);
        command
    }

    /// The server refused a channel.
    fn refused(&self, channel: Channel, error: RedisError) -> NotSubscribed {
        let why = error.to_string();
        let partition = match channel {
            Channel::Changes(partition) => partition,
            Channel::Probes => self.partitions[0],
        };
        let failure = ServerError::try_from(error).map(CommandFailure::answered);
        let hint = match failure {
            Ok(CommandFailure::Redirected(redirect, _)) => {
                Hint::Redirected(Home::Partition(partition), self.address.clone(), redirect)
            }
            _ => Hint::Silent(self.address.clone()),
        };
        NotSubscribed { why, hint }
    }

    fn inbox(&self) -> Inbox {
        let keys = &self.links.keys;
        let changes = self.partitions.iter().map(|partition| {
            let channel = keys.of(*partition).channel.clone();
            (channel.into_bytes(), Channel::Changes(*partition))
        });
        let probes = keys.probe(self.partitions[0]).into_bytes();
        Inbox {
            channels: changes.chain([(probes, Channel::Probes)]).collect(),
            partitions: Arc::clone(&self.partitions),
            queue: Arc::clone(&self.links.queue),
            pushes: AtomicU64::new(0),
            probes: AtomicU64::new(0),
            lost: Notify::new(),
            unsubscribed: Notify::new(),
        }
    }

    /// Waits until the connection ends, is silent for too long, or is stopped. None where the feed
    /// was dropped.
    async fn serve(
        &self,
        connection: MultiplexedConnection,
        inbox: &Inbox,
        stop: &CancellationToken,
    ) -> Option<SubscriptionEnd> {
        let queue = &self.links.queue;
        if !queue.push(FeedEvent::Connected(Arc::clone(&self.partitions))) {
            return None;
        }
        // Each branch may be dropped at any point: a ping changes nothing.
        let end = tokio::select! {
            () = stop.cancelled() => SubscriptionEnd::Stopped,
            () = inbox.unsubscribed.notified() => SubscriptionEnd::Unsubscribed,
            () = inbox.lost.notified() => SubscriptionEnd::Lost("the connection ended".to_owned()),
            end = self.check_for_life(connection, inbox) => end,
        };
        queue
            .push(FeedEvent::Disconnected(Arc::clone(&self.partitions)))
            .then_some(end)
    }

    /// Ends if neither an answer to a ping nor a message came within the time limit. A late answer
    /// with messages in between is a busy connection, not a dead one. Ends too if published probes
    /// do not arrive, even if other messages do: then commands go to another server (this one is a
    /// replica that was cut off, or a replaced master to which others still write).
    async fn check_for_life(
        &self,
        mut connection: MultiplexedConnection,
        inbox: &Inbox,
    ) -> SubscriptionEnd {
        let options = &self.links.options;
        let mut last_probe = 0;
        let mut published = self.published.load(Ordering::Relaxed);
        let mut missing_since = None;
        loop {
            if inbox.probes.load(Ordering::Relaxed) != last_probe {
                last_probe = inbox.probes.load(Ordering::Relaxed);
                published = self.published.load(Ordering::Relaxed);
                missing_since = None;
            } else if self.published.load(Ordering::Relaxed) > published {
                let since = *missing_since.get_or_insert_with(Instant::now);
                if since.elapsed() > options.ping_timeout {
                    return SubscriptionEnd::Lost("published probes do not arrive".to_owned());
                }
            }
            tokio::time::sleep(options.ping_interval).await;
            let before = inbox.pushes.load(Ordering::Relaxed);
            let ping = cmd("PING");
            let answer = ping.query_async::<Value>(&mut connection);
            match timeout(options.ping_timeout, answer).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return SubscriptionEnd::Lost(error.to_string()),
                Err(_) if inbox.pushes.load(Ordering::Relaxed) != before => {}
                Err(_) => {
                    return SubscriptionEnd::Lost(
                        "no sign of life within the time limit".to_owned(),
                    );
                }
            }
        }
    }
}

impl Inbox {
    /// Moves a push to the queue. Runs in the driver of the connection, so it must not wait.
    fn take(&self, PushInfo { kind, data }: PushInfo) -> Result<(), FeedEnded> {
        match kind {
            PushKind::Message | PushKind::SMessage => {
                self.pushes.fetch_add(1, Ordering::Relaxed);
                let mut data = data.into_iter();
                let (Some(Value::BulkString(name)), Some(Value::BulkString(payload))) =
                    (data.next(), data.next())
                else {
                    return Ok(());
                };
                let event = match self.channels.get(&name) {
                    None => return Ok(()),
                    Some(Channel::Changes(partition)) => {
                        FeedEvent::Frame(*partition, Bytes::from(payload))
                    }
                    Some(Channel::Probes) => {
                        self.probes.fetch_add(1, Ordering::Relaxed);
                        FeedEvent::Probe(Arc::clone(&self.partitions))
                    }
                };
                if !self.queue.push(event) {
                    self.lost.notify_one();
                    return Err(FeedEnded);
                }
            }
            PushKind::SUnsubscribe | PushKind::Unsubscribe => self.unsubscribed.notify_one(),
            PushKind::Disconnection => self.lost.notify_one(),
            _ => {}
        }
        Ok(())
    }
}

/// The feed was dropped.
struct FeedEnded;

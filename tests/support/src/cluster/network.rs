//! Which nodes are cut off and which are slow, for all links between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// The state of the network. Links obey it at once.
pub(super) struct Network(watch::Sender<Conditions>);

#[derive(Debug, Default)]
struct Conditions {
    by_id: BTreeMap<String, usize>,
    /// By the ports that the servers bind, which their replicas tell their masters.
    by_port: BTreeMap<u16, usize>,
    cut: BTreeSet<usize>,
    slow: BTreeMap<usize, Pace>,
}

/// How bytes pass on a slow link, in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    delay: Duration,
    bytes_per_second: u32,
}

/// A connection to a node. It is cut while the node or the speaker is, if the speaker is a node.
#[derive(Clone)]
pub(super) struct Link {
    to: usize,
    /// The node that opened the connection, once it is known.
    from: Arc<OnceLock<usize>>,
    conditions: watch::Receiver<Conditions>,
}

/// A port that has been bound and serves later: connections wait.
pub(super) struct Listening(TcpListener);

impl Default for Network {
    fn default() -> Self {
        Self(watch::Sender::new(Conditions::default()))
    }
}

impl Network {
    pub(super) fn add(&self, node: usize, id: &str, port: u16) {
        self.0.send_modify(|now| {
            now.by_id.insert(id.to_owned(), node);
            now.by_port.insert(port, node);
        });
    }

    /// The pattern of the connections to a node.
    pub(super) fn link_to(&self, node: usize) -> Link {
        Link {
            to: node,
            from: Arc::default(),
            conditions: self.0.subscribe(),
        }
    }

    pub(super) fn cut(&self, node: usize) {
        self.0.send_modify(|now| {
            now.cut.insert(node);
        });
    }

    pub(super) fn heal(&self, node: usize) {
        self.0.send_modify(|now| {
            now.cut.remove(&node);
        });
    }

    pub(super) fn slow(&self, node: usize, delay: Duration, bytes_per_second: u32) {
        assert!(bytes_per_second > 0, "cut the node instead");
        let pace = Pace {
            delay,
            bytes_per_second,
        };
        self.0.send_modify(|now| {
            now.slow.insert(node, pace);
        });
    }

    pub(super) fn full_speed(&self, node: usize) {
        self.0.send_modify(|now| {
            now.slow.remove(&node);
        });
    }
}

impl Link {
    /// The same link for one more connection, whose speaker is not known yet.
    pub(super) fn renew(&self) -> Self {
        Self {
            from: Arc::default(),
            ..self.clone()
        }
    }

    /// Notes that the node with this id speaks.
    pub(super) fn opened_by_id(&self, id: &str) {
        if let Some(node) = self.conditions.borrow().by_id.get(id) {
            self.from.get_or_init(|| *node);
        }
    }

    /// Notes that the node whose server binds this port speaks.
    pub(super) fn opened_by_port(&self, port: u16) {
        if let Some(node) = self.conditions.borrow().by_port.get(&port) {
            self.from.get_or_init(|| *node);
        }
    }

    /// Waits while the link is cut. None when the network has ended.
    pub(super) async fn whole(&mut self) -> Option<()> {
        let ends = self.ends();
        let whole = self.conditions.wait_for(|now| now.is_whole(ends));
        whole.await.ok()?;
        Some(())
    }

    /// Waits until bytes may arrive. The delay is that of the first bytes after a pause.
    pub(super) async fn pass(&mut self, length: usize, after_pause: bool) -> Option<()> {
        self.whole().await?;
        if let Some(pace) = self.pace() {
            let bytes = u32::try_from(length).unwrap_or(u32::MAX);
            let time = Duration::from_secs(1) * bytes / pace.bytes_per_second;
            let time = if after_pause { pace.delay + time } else { time };
            let ends = self.ends();
            let changed = self.conditions.wait_for(|now| now.pace(ends) != Some(pace));
            // Bytes of a link that is slow no more arrive at once.
            if let Ok(Err(_)) = timeout(time, changed).await {
                return None;
            }
            self.whole().await?;
        }
        Some(())
    }

    /// The most bytes that pass in a tenth of a second.
    pub(super) fn step(&self, most: usize) -> usize {
        self.pace().map_or(most, |pace| {
            let step = usize::try_from(pace.bytes_per_second / 10).unwrap_or(usize::MAX);
            step.clamp(1, most)
        })
    }

    fn pace(&self) -> Option<Pace> {
        self.conditions.borrow().pace(self.ends())
    }

    /// The node that is spoken to, and the speaker, if that is a node.
    fn ends(&self) -> (usize, Option<usize>) {
        (self.to, self.from.get().copied())
    }
}

impl Conditions {
    /// Clients are never cut.
    fn is_whole(&self, (to, from): (usize, Option<usize>)) -> bool {
        from.is_none_or(|from| !self.cut.contains(&to) && !self.cut.contains(&from))
    }

    /// The pace of the slower end.
    fn pace(&self, (to, from): (usize, Option<usize>)) -> Option<Pace> {
        let ends = [Some(to), from].into_iter().flatten();
        ends.filter_map(|node| self.slow.get(&node))
            .min_by_key(|pace| pace.bytes_per_second)
            .copied()
    }
}

impl Listening {
    pub(super) async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
    }

    pub(super) fn port(&self) -> u16 {
        self.0.local_addr().expect("its address").port()
    }

    pub(super) async fn accept(&self) -> std::io::Result<TcpStream> {
        Ok(self.0.accept().await?.0)
    }
}

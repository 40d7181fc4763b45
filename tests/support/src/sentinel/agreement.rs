//! What the live sentinels say, and the waits until they agree.

use std::collections::HashMap;

use ::redis::RedisResult;
use futures_util::future::join_all;

use super::{MASTER_NAME, Sentinels};
use crate::redis::RedisServer;
use crate::wait::{eventually, eventually_ok};

/// What a sentinel says of one server.
type Fields = HashMap<String, String>;

impl Sentinels {
    /// The data node that all live sentinels name as the master. Waits until they agree.
    pub async fn master(&self) -> usize {
        self.master_other_than(None).await
    }

    /// The same, when the master is cut off, frozen or dead, and another node takes its place.
    pub async fn master_after(&self, old: usize) -> usize {
        self.master_other_than(Some(old)).await
    }

    /// Promotes a replica by `SENTINEL FAILOVER`, and waits until the sentinels name it and it is a
    /// master. Returns it.
    pub async fn failover(&self) -> usize {
        let old = self.master().await;
        eventually_ok("a sentinel begins the failover", async || {
            let sentinel = self.live_sentinels().next().ok_or("no sentinel is up")?;
            sentinel
                .attempt(&["SENTINEL", "FAILOVER", MASTER_NAME])
                .await
                .map_err(|error| error.to_string())
        })
        .await;
        self.master_after(old).await
    }

    /// Waits until all live sentinels name the same master and take it for well, it says so
    /// itself, and all other live nodes are its replicas, known to each sentinel. A master that is
    /// cut off counts as live.
    pub async fn wait_stable(&self) {
        eventually_ok("the sentinels are stable", async || self.judge().await).await;
    }

    /// Waits until all live replicas have the data of their master.
    pub(super) async fn wait_until_replicated(&self) {
        eventually_ok("the replicas have caught up", async || {
            self.judge_replication(0).await
        })
        .await;
    }

    async fn master_other_than(&self, old: Option<usize>) -> usize {
        let mut master = None;
        eventually("the sentinels agree on a master", async || {
            let named = self.named_master().await;
            master = named.filter(|node| Some(*node) != old && self.nodes[*node].is_up());
            let Some(node) = master else { return false };
            let replication = self.server(node).replication().await;
            replication.is_ok_and(|replication| replication.is_master())
        })
        .await;
        master.expect("it was found")
    }

    /// The node that all live sentinels name.
    async fn named_master(&self) -> Option<usize> {
        let question = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME];
        let asked = self.live_sentinels().map(async |sentinel| {
            let (_, port) = sentinel.attempt::<(String, u16)>(&question).await.ok()?;
            self.node_on(port)
        });
        let answers = join_all(asked).await;
        let first = *answers.first()?;
        answers
            .iter()
            .all(|answer| *answer == first)
            .then_some(first)?
    }

    fn node_on(&self, port: u16) -> Option<usize> {
        let mut nodes = self.nodes.iter();
        nodes.position(|node| node.server.announced_port() == port)
    }

    async fn judge(&self) -> Result<(), String> {
        let named = self.named_master().await;
        let master = named.ok_or("the sentinels name several masters")?;
        if !self.nodes[master].is_up() {
            return Err(format!("node {master} is still named"));
        }
        let judged = self
            .live_sentinels()
            .map(|one| self.judge_sentinel(one, master));
        for problem in join_all(judged).await {
            problem?;
        }
        self.judge_replication(master).await
    }

    async fn judge_sentinel(&self, sentinel: &RedisServer, master: usize) -> Result<(), String> {
        let (about, replicas) = ask(sentinel).await.map_err(|error| error.to_string())?;
        let others = self.watchers.len() - 1;
        if !says(&about, "flags", "master") || !says(&about, "num-other-sentinels", others) {
            return Err(format!("a sentinel says {about:?}"));
        }
        for node in self.live_nodes().filter(|node| *node != master) {
            let port = self.server(node).announced_port();
            let mut known = replicas
                .iter()
                .filter(|replica| says(replica, "port", port));
            if !known.any(|replica| says(replica, "flags", "slave")) {
                return Err(format!("a sentinel does not know that node {node} is well"));
            }
        }
        Ok(())
    }

    async fn judge_replication(&self, master: usize) -> Result<(), String> {
        let port = self.server(master).announced_port();
        for node in self.live_nodes() {
            let replication = self.server(node).replication().await;
            let replication = replication.map_err(|error| error.to_string())?;
            let is_right = if node == master {
                replication.is_master()
            } else {
                replication.has_caught_up() && replication.master_port() == Some(port)
            };
            if !is_right {
                return Err(format!("node {node} has another role, or no data yet"));
            }
        }
        Ok(())
    }
}

/// What a sentinel says of the master and of its replicas.
async fn ask(sentinel: &RedisServer) -> RedisResult<(Fields, Vec<Fields>)> {
    let mut connection = sentinel.connect().await?;
    let mut questions = ::redis::pipe();
    for about in ["MASTER", "REPLICAS"] {
        questions.cmd("SENTINEL").arg(about).arg(MASTER_NAME);
    }
    questions.query_async(&mut connection).await
}

fn says(fields: &Fields, name: &str, value: impl ToString) -> bool {
    fields.get(name) == Some(&value.to_string())
}

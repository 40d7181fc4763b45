//! Where a store is, and the history that its logs hold, read past the gateways.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use people_gateway::domain::{Change, LogPosition, Partition, Partitions, Position};
use people_gateway::store::Store as _;
use people_gateway::store::embedded::{self, EmbeddedStore};
use people_gateway::store::redis::Options;
use people_testing::process::Gateway;
use people_testing::redis::log::{ALL, tails};

/// Where a store is.
#[derive(Clone, Debug)]
pub enum StoreAt {
    Redis(String),
    /// The folder of an embedded store, and its number of partitions.
    Embedded(PathBuf, Partitions),
}

impl StoreAt {
    pub const fn url(url: String) -> Self {
        Self::Redis(url)
    }

    /// All changes that the store's logs hold. The owner of an embedded store is held still
    /// meanwhile, and its file copied: what a crash would leave.
    pub async fn history(&self, owner: &Gateway) -> Vec<Change> {
        match self {
            Self::Redis(url) => {
                let options = Options {
                    url: url.clone(),
                    ..Options::default()
                };
                let tails = tails(options).await;
                tails.into_iter().flat_map(|tail| tail.changes).collect()
            }
            Self::Embedded(folder, partitions) => {
                let copy = tempfile::tempdir().expect("a folder");
                owner.freeze();
                copy_files(folder, copy.path());
                owner.thaw();
                embedded_log(copy.path(), *partitions).await
            }
        }
    }
}

/// One Redis server on this port.
impl From<u16> for StoreAt {
    fn from(port: u16) -> Self {
        Self::Redis(format!("redis://127.0.0.1:{port}"))
    }
}

/// Copies the files of an embedded store. Nobody may write them meanwhile.
pub fn copy_files(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).expect("the folder of the store") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
    }
}

/// All changes in the log of a copy. Opening it may repair it.
pub async fn embedded_log(folder: &Path, partitions: Partitions) -> Vec<Change> {
    let retention = Options::default().retention;
    let options = embedded::Options::new(folder, partitions, retention);
    let store = EmbeddedStore::open_existing(options).expect("a copy opens");
    let mut log = Vec::new();
    for partition in partitions.iter() {
        let tail = store.tail(partition, ALL).await.expect("the log");
        log.extend(tail.changes);
    }
    log
}

/// The entries of a history. What a log has trimmed counts as its own.
#[derive(Clone, Debug, Default)]
pub struct History {
    entries: HashSet<LogPosition>,
    first: BTreeMap<Partition, Position>,
}

impl History {
    pub fn of(log: &[Change]) -> Self {
        log.iter().map(|change| change.at).collect()
    }

    /// Whether it has this position.
    pub fn contains(&self, at: &LogPosition) -> bool {
        at.position.seq.get() == 0 || self.entries.contains(at) || self.has_trimmed(at)
    }

    /// Whether this position is before the first entry that is left.
    pub fn has_trimmed(&self, at: &LogPosition) -> bool {
        let first = self.first.get(&at.partition);
        first.is_some_and(|first| first.epoch == at.position.epoch && at.position.seq < first.seq)
    }
}

impl FromIterator<LogPosition> for History {
    fn from_iter<T: IntoIterator<Item = LogPosition>>(positions: T) -> Self {
        let mut history = Self::default();
        for at in positions {
            history.entries.insert(at);
            let first = history.first.entry(at.partition).or_insert(at.position);
            if at.position.seq < first.seq {
                *first = at.position;
            }
        }
        history
    }
}

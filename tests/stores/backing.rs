//! The stores under test. Each kind can start an empty store, and lose its data. The suites run on
//! every kind through `for_every_store!`.

use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use people_gateway::domain::Partitions;
use people_gateway::store::Metrics;
use people_gateway::store::embedded::{EmbeddedStore, Options};
use people_gateway::store::redis::{self, RedisStore};
use people_gateway::store::{Retention, Store};

use people_testing::cluster::Cluster;
use people_testing::redis::RedisServer;

/// The settings of a store under test.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) partitions: u16,
    pub(crate) log_max: usize,
    pub(crate) idempotency_ttl: Duration,
}

/// A server or folder with an open store. Dropping it ends both.
pub(crate) trait Backing: Sized {
    /// Starts an empty store, with its genesis.
    async fn start(setup: Setup) -> Self;

    /// A wipe may replace the object.
    fn store(&self) -> Arc<dyn Store>;

    /// Loses all data, as FLUSHALL or the removal of the file does.
    async fn wipe(&mut self);
}

/// Makes one test of each named function over `&mut impl Backing`, for every kind of store. A test
/// runs with one partition and with four.
macro_rules! for_every_store {
    ($($promise:ident),* $(,)?) => {
        mod embedded {
            $( $crate::backing::for_every_store!(@test $promise, $crate::backing::Embedded); )*
        }
        mod redis {
            $( $crate::backing::for_every_store!(@test $promise, $crate::backing::Redis); )*
        }
        mod cluster {
            /// One test, because a cluster takes seconds to form.
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn every_promise_holds() {
                let cluster = people_testing::cluster::Cluster::start(3, 0).await;
                let cluster = std::sync::Arc::new(cluster);
                for partitions in [1, 4] {
                    let setup = $crate::backing::Setup { partitions, ..super::SETUP };
                    $(
                        println!("{} with {partitions} partitions", stringify!($promise));
                        let mut backing = $crate::backing::Clustered::on(&cluster, setup).await;
                        super::$promise(&mut backing).await;
                    )*
                }
            }
        }
    };
    (@test $promise:ident, $backing:ty) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            for partitions in [1, 4] {
                let setup = $crate::backing::Setup { partitions, ..super::SETUP };
                let mut backing = <$backing as $crate::backing::Backing>::start(setup).await;
                super::$promise(&mut backing).await;
            }
        }
    };
}
pub(crate) use for_every_store;

/// A prefix of its own in a cluster, and the store in it.
pub(crate) struct Clustered {
    cluster: Arc<Cluster>,
    store: Arc<RedisStore>,
}

impl Clustered {
    pub(crate) async fn on(cluster: &Arc<Cluster>, setup: Setup) -> Self {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let options = redis::Options {
            url: cluster.url(),
            prefix: format!("test-{}", OPENED.fetch_add(1, Ordering::Relaxed)),
            partitions: Some(setup.partitions()),
            retention: setup.retention(),
            ..redis::Options::default()
        };
        let store = RedisStore::open(options, Metrics::default())
            .await
            .expect("the store opens");
        Self {
            cluster: Arc::clone(cluster),
            store,
        }
    }
}

impl Backing for Clustered {
    async fn start(setup: Setup) -> Self {
        Self::on(&Arc::new(Cluster::start(3, 0).await), setup).await
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    async fn wipe(&mut self) {
        for node in 0..3 {
            self.cluster.command::<()>(node, &["FLUSHALL"]).await;
        }
        // The next probe restores the genesis.
        self.store.heads().await.expect("a probe");
    }
}

/// A Redis server, and the store in it.
pub(crate) struct Redis {
    server: RedisServer,
    store: Arc<RedisStore>,
}

impl Backing for Redis {
    async fn start(setup: Setup) -> Self {
        let server = RedisServer::start(&[]).await;
        let options = redis::Options {
            url: server.url(),
            partitions: Some(setup.partitions()),
            retention: setup.retention(),
            ..redis::Options::default()
        };
        let store = RedisStore::open(options, Metrics::default())
            .await
            .expect("the store opens");
        Self { server, store }
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    async fn wipe(&mut self) {
        self.server.command::<()>(&["FLUSHALL"]).await;
        // The next probe restores the genesis.
        self.store.heads().await.expect("a probe");
    }
}

impl Setup {
    pub(crate) fn partitions(self) -> Partitions {
        Partitions::new(NonZeroU16::new(self.partitions).expect("at least one"))
    }

    pub(crate) fn retention(self) -> Retention {
        let log_max = NonZeroUsize::new(self.log_max).expect("at least one");
        Retention {
            log_max,
            idempotency_ttl: self.idempotency_ttl,
        }
    }
}

/// The embedded store in a folder of its own.
pub(crate) struct Embedded {
    setup: Setup,
    /// `None` only during a wipe: the store locks the file as long as it exists.
    store: Option<Arc<EmbeddedStore>>,
    folder: tempfile::TempDir,
}

impl Embedded {
    pub(crate) fn options(setup: Setup, folder: &std::path::Path) -> Options {
        // A disk may be slow.
        let answer_within = Duration::from_secs(60);
        Options {
            answer_within,
            ..Options::new(folder, setup.partitions(), setup.retention())
        }
    }

    fn open(&mut self) {
        let options = Options {
            metrics: Metrics::default(),
            ..Self::options(self.setup, self.folder.path())
        };
        self.store = Some(EmbeddedStore::open(options).expect("the store opens"));
    }
}

impl Backing for Embedded {
    async fn start(setup: Setup) -> Self {
        let mut backing = Self {
            setup,
            store: None,
            folder: tempfile::tempdir().expect("a folder"),
        };
        backing.open();
        backing
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(self.store.as_ref().expect("it is open")) as Arc<dyn Store>
    }

    async fn wipe(&mut self) {
        let store = self.store.take().and_then(Arc::into_inner);
        drop(store.expect("a wipe needs the only reference to the store"));
        std::fs::remove_file(self.folder.path().join("people.redb")).expect("the file is there");
        self.open();
    }
}

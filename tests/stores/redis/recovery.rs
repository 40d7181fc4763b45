//! Data loss of a server: a failover that misses the last writes, and a file that ends inside a
//! write.

use people_gateway::store::redis::Options;
use people_gateway::store::{Discontinuity, LogAnswer, Store, StoreError};

use crate::redis::people::{
    ONLY, assert_state_is_the_replayed_log, count, delete, done, keyed, open, options, save,
};
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

#[tokio::test]
async fn a_promoted_replica_without_the_last_writes_is_detected_as_a_fork() {
    let master = RedisServer::start(&["--repl-diskless-sync-delay", "0"]).await;
    let before = open(options(&master)).await;
    let kept = done(&before, save(1, "A")).await;
    let replica = master.start_replica().await;
    eventually("the replica has the first write", async || {
        replica
            .command::<Option<String>>(&["HGET", "{people.p0}:meta", "s"])
            .await
            .as_deref()
            == Some("1")
    })
    .await;
    assert!(matches!(
        open_replica(&replica).await.apply(save(9, "X")).await,
        Err(StoreError::Unavailable(_))
    ));
    replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    let lost = [
        done(&before, save(2, "B")).await,
        done(&before, save(3, "C")).await,
    ];

    let after = open_replica(&replica).await;
    let refilled = done(&after, save(4, "D")).await;
    assert_eq!(
        refilled.seq, lost[0].seq,
        "the replica uses the number again"
    );
    for lost in lost {
        match after.since(ONLY, lost, count(10)).await.expect("an answer") {
            LogAnswer::Broken { reason, head } => {
                assert_eq!((reason, head), (Discontinuity::Forked, Some(refilled)));
            }
            continues @ LogAnswer::Continues { .. } => panic!("{lost:?}: {continues:?}"),
        }
    }
    done(&after, save(5, "E")).await;
    let forked = after
        .since(ONLY, lost[0], count(10))
        .await
        .expect("an answer");
    assert!(
        matches!(
            forked,
            LogAnswer::Broken {
                reason: Discontinuity::Forked,
                ..
            }
        ),
        "a position in the middle of the log: {forked:?}"
    );
    match after.since(ONLY, kept, count(10)).await.expect("an answer") {
        LogAnswer::Continues { changes, .. } => assert_eq!(changes.len(), 2),
        broken @ LogAnswer::Broken { .. } => panic!("{broken:?}"),
    }
}

async fn open_replica(
    replica: &RedisServer,
) -> std::sync::Arc<people_gateway::store::redis::RedisStore> {
    open(Options {
        retry_limit: std::time::Duration::from_millis(500),
        ..options(replica)
    })
    .await
}

/// The incremental append-only file. The base and manifest files do not change.
fn growing_file(server: &RedisServer) -> std::path::PathBuf {
    let folder = server.folder().join("appendonlydir");
    let files = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|file| file.expect("a file").path());
    files
        .into_iter()
        .find(|file| file.to_string_lossy().ends_with(".incr.aof"))
        .expect("a growing file")
}

#[tokio::test]
async fn a_file_cut_anywhere_in_its_last_write_holds_all_of_it_or_nothing() {
    let persistent = [
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--aof-load-truncated",
        "yes",
    ];
    for last in [keyed(save(2, "Zoë"), 7), delete(1)] {
        let mut server = RedisServer::start(&persistent).await;
        let store = open(options(&server)).await;
        for n in 0..5 {
            done(&store, save(n, "A")).await;
        }
        done(&store, delete(0)).await;
        let file = growing_file(&server);
        let before = std::fs::metadata(&file).expect("its size").len();
        done(&store, last).await;
        drop(store);
        server.kill9();
        let whole = std::fs::read(&file).expect("the file");
        let before = usize::try_from(before).expect("a size");
        assert!(whole.len() > before + 100, "the last write is in the file");

        // About twenty lengths, both ends among them.
        let step = (whole.len() - before).div_ceil(20);
        for cut in (before..whole.len())
            .step_by(step)
            .chain([whole.len() - 1, whole.len()])
        {
            std::fs::write(&file, &whole[..cut]).expect("the cut file");
            server.restart().await;
            let store = open(options(&server)).await;
            let changes = assert_state_is_the_replayed_log(&store).await;
            assert_eq!(
                changes,
                if cut == whole.len() { 7 } else { 6 },
                "cut at {cut} of {before}..{}",
                whole.len()
            );
            done(&store, save(8, "goes on")).await;
            assert_eq!(assert_state_is_the_replayed_log(&store).await, changes + 1);
            drop(store);
            server.kill9();
        }
    }
}

//! Kills and damaged files: a child process writes and prints each acknowledged change; the test
//! kills it and reads its file.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use people_gateway::domain::{Change, LogPosition};
use people_gateway::store::embedded::{EmbeddedStore, FileError};
use people_gateway::store::{DamageKind, Store, WriteOutcome};
use rand::RngExt;

use super::{options, replayed};
use crate::people::{delete, id, save};

/// The variable with the child's folder.
const FOLDER: &str = "MODEL_CHILD_FOLDER";
const KILLS: usize = 6;
const CUTS: usize = 60;

/// Runs in the child process, which is this test binary: saves and deletes until it is killed, in
/// 16 tasks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of the other tests; it ends when they kill it"]
async fn child() {
    let folder = std::env::var(FOLDER).expect("only the other tests start it");
    let store = EmbeddedStore::open(options(Path::new(&folder))).expect("the store opens");
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..16_u64 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for number in 0_u64.. {
                let person = id(writer * 1_000 + number % 50);
                let write = if number % 7 == 6 {
                    delete(person)
                } else {
                    save(person, &number.to_string())
                };
                match store.apply(write).await.expect("the store answers") {
                    WriteOutcome::Done { at, .. } => {
                        writeln!(std::io::stdout(), "acknowledged {at}").expect("the parent reads");
                    }
                    other => assert_eq!(other, WriteOutcome::NotFound),
                }
            }
        });
    }
    tasks.join_all().await;
}

/// A child process that writes to the store, and its output.
struct ChildWriter {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl ChildWriter {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this binary"))
            .args([
                "--exact",
                "durability::crash::child",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { process, output }
    }

    /// The next acknowledged change; `None` at the end of a dead child's output.
    fn acknowledged(&mut self) -> Option<LogPosition> {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.output.read_line(&mut line).expect("the pipe");
            if read == 0 || !line.ends_with('\n') {
                return None;
            }
            if let Some(at) = line.trim_end().strip_prefix("acknowledged ") {
                return Some(at.parse().expect("a position"));
            }
        }
    }

    fn wait_for(&mut self, changes: usize) -> Vec<LogPosition> {
        (0..changes)
            .map(|_| self.acknowledged().expect("the child lives"))
            .collect()
    }

    /// Kills the child with SIGKILL, and returns the acknowledged changes that were not read yet.
    fn kill(mut self) -> Vec<LogPosition> {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it is ours");
        std::iter::from_fn(|| self.acknowledged()).collect()
    }
}

#[tokio::test]
async fn acknowledged_changes_survive_kills() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = HashSet::new();
    for _ in 0..KILLS {
        let mut writer = ChildWriter::start(folder.path());
        let changes = rand::rng().random_range(1..400);
        acknowledged.extend(writer.wait_for(changes));
        acknowledged.extend(writer.kill());
        let store = EmbeddedStore::open(options(folder.path())).expect("it opens after a kill");
        let log: HashSet<_> = replayed(&*store)
            .await
            .iter()
            .map(|change| change.at)
            .collect();
        let lost: Vec<_> = acknowledged.difference(&log).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    }
    assert!(acknowledged.len() >= KILLS);
}

#[tokio::test]
async fn a_store_opens_after_a_kill_during_file_creation() {
    for _ in 0..KILLS {
        let folder = tempfile::tempdir().unwrap();
        let writer = ChildWriter::start(folder.path());
        let made = async {
            while std::fs::read_dir(folder.path()).unwrap().next().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(people_testing::wait::DEADLINE, made)
            .await
            .expect("the child begins to create the file");
        let acknowledged = writer.kill();
        let store = EmbeddedStore::open(options(folder.path())).expect("it opens after a kill");
        assert!(replayed(&*store).await.len() >= acknowledged.len());
    }
}

#[tokio::test]
async fn a_second_process_cannot_open_the_file_until_the_first_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ChildWriter::start(folder.path());
    writer.wait_for(1);
    let refused = EmbeddedStore::open(options(folder.path()))
        .err()
        .expect("the child has the file open");
    assert!(matches!(refused, FileError::Locked(_)), "{refused}");
    assert!(refused.to_string().contains("another process"), "{refused}");
    writer.kill();
    assert!(
        !replayed(&*EmbeddedStore::open(options(folder.path())).unwrap())
            .await
            .is_empty()
    );
}

/// The file after a crash, cut at many lengths: a file that opens holds a consistent prefix of the
/// same history; any other is refused with a reason, and left unchanged.
#[tokio::test]
async fn a_truncated_file_is_refused_or_holds_a_prefix_of_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ChildWriter::start(folder.path());
    writer.wait_for(1_500);
    writer.kill();
    let image = std::fs::read(folder.path().join("people.redb")).unwrap();
    let whole = replayed(&*EmbeddedStore::open(options(folder.path())).unwrap()).await;
    let mut refused = 0;
    for length in lengths(image.len()) {
        refused += usize::from(opened(&image[..length], &whole).await.is_err());
    }
    assert!(refused > 0, "an empty file cannot open");
    assert_eq!(
        opened(&image, &whole).await,
        Ok(whole.len()),
        "the whole file holds every change"
    );
}

/// Copies made while the file was written, so their pages are from several moments. Each is tried
/// whole and cut.
#[tokio::test]
async fn a_copy_of_the_live_file_is_refused_or_holds_a_prefix_of_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ChildWriter::start(folder.path());
    let mut images = Vec::new();
    for _ in 0..8 {
        writer.wait_for(150);
        images.push(std::fs::read(folder.path().join("people.redb")).unwrap());
    }
    writer.kill();
    let whole = replayed(&*EmbeddedStore::open(options(folder.path())).unwrap()).await;
    for image in images {
        let cut = rand::rng().random_range(0..image.len());
        for length in [image.len(), cut] {
            // Whether the copy opens depends on the moment. If so, `opened` checks its changes.
            let _ = opened(&image[..length], &whole).await;
        }
    }
}

/// A file that was closed and then overwritten: its checksums reveal the damage at the next open.
#[tokio::test]
async fn an_overwritten_file_is_refused_or_unharmed() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    for number in 0..500 {
        crate::people::done(&*store, save(id(number), "A")).await;
    }
    let whole = replayed(&*store).await;
    drop(store);
    let image = std::fs::read(folder.path().join("people.redb")).unwrap();
    let used = image.iter().rposition(|byte| *byte != 0).unwrap();
    let mut refused = 0;
    for _ in 0..CUTS {
        let mut bytes = image.clone();
        let start = rand::rng().random_range(0..used);
        bytes[start..used.min(start + 600)].fill(b'7');
        match opened(&bytes, &whole).await {
            Ok(changes) => assert_eq!(changes, whole.len(), "overwritten at {start}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0, "some of it is in use");
}

/// The file after a kill, overwritten at many offsets: if it opens without an acknowledged change,
/// the store counts the loss as damage. The storage library itself falls back to the previous
/// commit without an error.
#[tokio::test]
async fn a_file_that_lost_acknowledged_changes_is_reported_as_damaged() {
    const DAMAGED: usize = 80;
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ChildWriter::start(folder.path());
    let mut acknowledged = writer.wait_for(300);
    acknowledged.extend(writer.kill());
    let [image, marker] = ["people.redb", "people.heads"]
        .map(|name| std::fs::read(folder.path().join(name)).unwrap());
    let used = image.iter().rposition(|byte| *byte != 0).unwrap();
    let (mut refused, mut lost) = (0, 0);
    for turn in 0..DAMAGED {
        let mut bytes = image.clone();
        let start = rand::rng().random_range(0..used);
        let end = used.min(start + rand::rng().random_range(1..4096));
        // The first turn leaves the file unchanged.
        if turn > 0 {
            bytes[start..end].fill(b'7');
        }
        let copy = tempfile::tempdir().unwrap();
        std::fs::write(copy.path().join("people.redb"), &bytes).unwrap();
        std::fs::write(copy.path().join("people.heads"), &marker).unwrap();
        let opening = options(copy.path());
        let damage = opening.metrics.store_damage.clone();
        let Ok(store) = EmbeddedStore::open(opening) else {
            refused += 1;
            continue;
        };
        let log: HashSet<_> = replayed(&*store)
            .await
            .iter()
            .map(|change| change.at)
            .collect();
        let is_whole = acknowledged.iter().all(|at| log.contains(at));
        let is_reported = damage.count(DamageKind::History) > 0;
        assert!(
            is_whole || is_reported,
            "overwritten from {start} to {end}: an acknowledged change is lost without a report"
        );
        assert!(turn > 0 || !is_reported, "the unchanged file");
        lost += usize::from(!is_whole);
    }
    println!("{refused} refused, {lost} without the last changes, of {DAMAGED}");
    assert!(refused > 0, "some of it is in use");
}

/// Opens a file with these bytes. Returns the number of its changes, all of which must be from this
/// history, or the reason of the refusal.
async fn opened(bytes: &[u8], whole: &[Change]) -> Result<usize, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.redb");
    std::fs::write(&file, bytes).unwrap();
    match EmbeddedStore::open(options(folder.path())) {
        Ok(store) => {
            let changes = replayed(&*store).await;
            for change in &changes {
                assert!(
                    whole.contains(change),
                    "{} was never in this history",
                    change.at
                );
            }
            Ok(changes.len())
        }
        Err(error @ (FileError::Damaged { .. } | FileError::Io { .. })) => {
            let kept = std::fs::read(&file).unwrap();
            let is_kept = match &error {
                FileError::Damaged { .. } => kept == bytes,
                _ => kept.len() == bytes.len() && kept.iter().take(320).eq(bytes.iter().take(320)),
            };
            assert!(is_kept, "a refused file stays as it is: {error:?}");
            Err(error.to_string())
        }
        Err(other) => panic!("cut at {}: {other}", bytes.len()),
    }
}

/// Lengths: the whole, almost nothing, around the ends of pages, and random ones.
fn lengths(whole: usize) -> Vec<usize> {
    const PAGE: usize = 4096;
    let mut lengths = vec![0, 1, 63, 64, 320, PAGE - 1, PAGE, whole];
    for pages in 0..12 {
        lengths.extend([0, 1, PAGE / 2].map(|more| whole.saturating_sub(pages * PAGE + more)));
    }
    lengths.extend((0..CUTS).map(|_| rand::rng().random_range(0..whole)));
    lengths
}

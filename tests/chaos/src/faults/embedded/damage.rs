//! The file of the store is cut or changed while the gateway is down. The next start refuses the
//! file and keeps it as it is, or serves all of it, or says how much of its end is lost.

use std::fs;
use std::path::{Path, PathBuf};

use people_gateway::domain::Change;
use people_testing::process::Refusal;
use rustix::process::Signal;
use tempfile::TempDir;

use super::super::stage::Stage;
use super::program::run;
use super::set;
use crate::checks::RunReport;
use crate::clients::{Kind, Violation};
use crate::world::{Case, History, copy_files, embedded_log};

/// The files of the store.
const FILE: &str = "people.redb";
const HEADS: &str = "people.heads";
/// Changes of the file in one run.
const CUTS: usize = 6;
const FLIPS: usize = 8;
/// Bytes of the file's header.
const HEADER: usize = 320;

pub(super) async fn tail_cut(case: Case) -> RunReport {
    let mut damages = Damages::begin(&case).await;
    for _ in 0..CUTS {
        let older = damages.stop().await;
        let path = damages.folder.join(FILE);
        if damages.stage.world.number(0..3) == 0 {
            // A backup of the file alone, in which its last changes are missing.
            fs::copy(older.path().join(FILE), &path).expect("a copy");
            damages.start(&format!("an older {FILE} put there")).await;
            continue;
        }
        let file = fs::OpenOptions::new().write(true).open(&path);
        let file = file.expect("the store's file");
        let length = file.metadata().expect("its length").len();
        // Few bytes, a page, or many.
        let most = [64, 4096, 64 * 1024, 512 * 1024][damages.stage.world.number(0..4)];
        let cut = 1 + damages.stage.world.number(0..most) as u64;
        let left = length.saturating_sub(cut);
        file.set_len(left).expect("a cut");
        damages
            .start(&format!("{FILE} cut from {length} to {left} bytes"))
            .await;
    }
    damages.end().await
}

pub(super) async fn bit_flipped(case: Case) -> RunReport {
    let mut damages = Damages::begin(&case).await;
    for _ in 0..FLIPS {
        let older = damages.stop().await;
        let name = if damages.stage.world.number(0..6) == 0 {
            HEADS
        } else {
            FILE
        };
        let path = damages.folder.join(name);
        let mut bytes = fs::read(&path).expect("a file of the store");
        let before = fs::read(older.path().join(name)).expect("the file before");
        let part = damages.stage.world.number(0..4);
        let candidates = candidates(part, &before, &bytes);
        let at = candidates[damages.stage.world.number(0..candidates.len())];
        let bit = damages.stage.world.number(0..8);
        bytes[at] ^= 1 << bit;
        fs::write(&path, &bytes).expect("the changed file");
        damages
            .start(&format!("bit {bit} of byte {at} of {name} changed"))
            .await;
    }
    damages.end().await
}

/// Bytes of a file that may change: of its header, those in use, or those that were written since
/// it was copied, which hold the newest changes.
fn candidates(part: usize, before: &[u8], now: &[u8]) -> Vec<usize> {
    let in_use = (0..now.len()).filter(|at| now[*at] != 0);
    match part {
        0 => (0..now.len().min(HEADER)).collect(),
        1 => in_use.collect(),
        _ => {
            let is_new = |at: &usize| before.get(*at) != Some(&now[*at]);
            let new: Vec<_> = in_use.filter(is_new).collect();
            if new.is_empty() {
                candidates(1, before, now)
            } else {
                new
            }
        }
    }
}

/// A world whose store is damaged again and again, and what became of it.
struct Damages {
    stage: Stage,
    folder: PathBuf,
    /// The files before the damage, and the log that they hold.
    copy: TempDir,
    before: Vec<Change>,
    /// Changes that are lost, all of them told.
    lost: usize,
    /// Changes that are lost, and were neither answered nor sent.
    unheard: usize,
    refused: usize,
    unharmed: usize,
    violations: Vec<Violation>,
}

impl Damages {
    async fn begin(case: &Case) -> Self {
        let mut stage = set(case).await;
        stage.world.close_codes = Some(&[0, 1012]);
        let folder = stage.world.nodes[0].gateway.folder().join("data");
        let mut damages = Self {
            stage,
            folder,
            copy: tempfile::tempdir().expect("a folder"),
            before: Vec::new(),
            lost: 0,
            unheard: 0,
            refused: 0,
            unharmed: 0,
            violations: Vec::new(),
        };
        damages.stop().await;
        damages.start("nothing was done").await;
        damages
    }

    /// Kills the gateway under load, or tells it to end, and keeps what it leaves. Returns what it
    /// left the last time.
    async fn stop(&mut self) -> TempDir {
        let wanted = self.stage.world.number(5..30);
        self.stage.world.load_goes_on(wanted).await;
        // A file that was closed in order needs no repair when it is opened.
        let is_in_order = self.stage.world.number(0..2) == 0;
        let gateway = &mut self.stage.world.nodes[0].gateway;
        if is_in_order {
            gateway.signal(Signal::TERM);
            assert_eq!(gateway.exit_code().await, Some(0), "it ends in order");
        } else {
            gateway.kill9();
        }
        let copy = tempfile::tempdir().expect("a folder");
        let older = std::mem::replace(&mut self.copy, copy);
        copy_files(&self.folder, self.copy.path());
        let opened = tempfile::tempdir().expect("a folder");
        copy_files(&self.folder, opened.path());
        let check = run(&["check"], opened.path(), self.stage.world.case.partitions).await;
        if check.code != Some(0) {
            self.violated(
                Kind::WrongView,
                format!("what was served is wrong: {check:?}"),
            );
        }
        self.before = embedded_log(opened.path(), self.stage.world.case.logs()).await;
        older
    }

    /// Starts the gateway on what was damaged. `what` was done to it.
    async fn start(&mut self, what: &str) {
        let damaged = fs::read(self.folder.join(FILE)).expect("the file");
        match self.stage.world.nodes[0].gateway.try_restart().await {
            Err(refusal) => self.refused(&refusal, &damaged, what).await,
            Ok(()) => self.served().await,
        }
    }

    /// The operator puts the copy back.
    async fn refused(&mut self, refusal: &Refusal, damaged: &[u8], what: &str) {
        self.refused += 1;
        let sentence = &refusal.sentence;
        if refusal.code != Some(1) || !is_told(sentence) {
            self.violated(
                Kind::Refused,
                format!("{what}: the start ended with {refusal:?}"),
            );
        }
        self.is_kept(damaged, &format!("{what}: the start"));
        let partitions = self.stage.world.case.partitions;
        let check = run(&["check", "--repair"], &self.folder, partitions).await;
        if check.code != Some(1) || !is_told(&check.text) {
            self.violated(
                Kind::Refused,
                format!("{what}: the check ended with {check:?}"),
            );
        }
        self.is_kept(damaged, &format!("{what}: the check"));
        copy_files(self.copy.path(), &self.folder);
        self.stage.world.nodes[0].gateway.restart().await;
        self.stage.world.nodes[0].gateway.wait_ready().await;
    }

    /// What is refused stays as it is.
    fn is_kept(&mut self, damaged: &[u8], by: &str) {
        let now = fs::read(self.folder.join(FILE)).expect("the file");
        let first = now
            .iter()
            .zip(damaged)
            .position(|(one, other)| one != other);
        if first.is_some() || now.len() != damaged.len() {
            let lengths = (damaged.len(), now.len());
            let what =
                format!("{by} changed the refused file: first byte {first:?}, {lengths:?} bytes");
            self.violated(Kind::Lost, what);
        }
    }

    /// Changes may be lost only from the end, and only if the gateway says so.
    async fn served(&mut self) {
        let world = &mut self.stage.world;
        let gateway = &world.nodes[0].gateway;
        let told = gateway.count_at("store_damage", r#"kind="history""#).await;
        let now = History::of(&world.history(&self.stage.store).await);
        let lost = self
            .before
            .iter()
            .filter(|change| !now.contains(&change.at));
        let lost = lost.count();
        if lost == 0 {
            self.unharmed += 1;
            return;
        }
        if told == 0 {
            // The kill came between a commit and what is noted of it, so nobody heard of it. Who
            // did shows that as a loss that nothing allows.
            self.unheard += lost;
            return;
        }
        self.lost += lost;
        // Its watchers are reset, once, because the gateway has another history now.
        world.lost.push(History::of(&self.before));
        world.allowed.discontinuities += 1;
        world.allowed.losses = true;
    }

    fn violated(&mut self, kind: Kind, what: String) {
        self.violations.push(Violation::new(kind, what));
    }

    async fn end(self) -> RunReport {
        let mut report = self.stage.end().await;
        report.violations.extend(self.violations);
        if report.taken > self.lost {
            let what = format!(
                "{} writes are lost, and {} were told",
                report.taken, self.lost
            );
            report.violations.push(Violation::new(Kind::Lost, what));
        }
        report.notes.push(format!(
            "{} starts refused, {} with the whole file, {} changes lost and told, {} before \
             anybody heard of them",
            self.refused, self.unharmed, self.lost, self.unheard
        ));
        report
    }
}

/// Whether a sentence names the file, and says that it cannot be used.
fn is_told(sentence: &str) -> bool {
    let says = [
        "cannot be read as the store's file",
        "cannot be opened",
        "has the layout",
    ];
    sentence.contains(FILE) && says.iter().any(|words| sentence.contains(words))
}

/// The path of the store's file.
pub(super) fn file_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

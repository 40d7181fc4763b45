//! The folder of the store cannot be written or is not there, while the gateway serves and while it
//! is down.
//!
//! Permissions do not bind root. Where root runs this, the gateway runs as another user.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use people_testing::process::person;
use people_testing::wait::eventually;
use rustix::process::geteuid;

use super::damage::file_in;
use super::set;
use crate::checks::RunReport;
use crate::clients::{Kind, Violation};
use crate::world::{Case, World};

/// The user `nobody`.
const NOBODY: u32 = 65_534;
/// A length that the store's file has, and the gateway's log does not reach.
const LIMIT: u64 = 128 * 1024;

pub(super) async fn read_only(case: Case) -> RunReport {
    let mut stage = set(&case).await;
    let world = &mut stage.world;
    let folder = world.nodes[0].gateway.folder().join("data");
    if geteuid().is_root() {
        world.nodes[0].gateway.kill9();
        world.nodes[0].gateway.run_as(NOBODY);
        world.nodes[0].gateway.restart().await;
        world.nodes[0].gateway.wait_ready().await;
    }
    let mut violations = Vec::new();
    while_it_serves(world, &folder).await;
    violations.extend(while_it_is_down(world, &folder).await);
    violations.extend(another_file_there(world, &folder).await);
    world.nodes[0].gateway.restart().await;
    world.nodes[0].gateway.wait_ready().await;
    world.load_goes_on(20).await;
    let mut report = stage.end().await;
    report.violations.extend(violations);
    report
}

/// The open file is written all the same. When it has to be opened again, writes are refused until
/// it can be.
async fn while_it_serves(world: &World, folder: &Path) {
    set_writable(folder, false);
    world.load_goes_on(20).await;
    let gateway = &world.nodes[0].gateway;
    // A write that fails makes the gateway open the file again.
    gateway.limit_file_length(Some(LIMIT));
    eventually("the file cannot be opened again", async || {
        gateway.log().contains("cannot be opened again yet")
    })
    .await;
    gateway.limit_file_length(None);
    eventually("the gateway is not ready", async || {
        gateway.readyz().await == 503
    })
    .await;
    let id = "00000000-0000-7000-8000-000000000001";
    let status = gateway.put(id, &person("Ada"), true).await;
    assert_eq!(status, 503, "a save while the file is closed");
    set_writable(folder, true);
    gateway.wait_ready().await;
    world.load_goes_on(20).await;
}

async fn while_it_is_down(world: &mut World, folder: &Path) -> Option<Violation> {
    world.nodes[0].gateway.kill9();
    set_writable(folder, false);
    let violation = not_refused(world, "Permission denied").await;
    set_writable(folder, true);
    violation
}

async fn another_file_there(world: &mut World, folder: &Path) -> Option<Violation> {
    let away = folder.with_extension("away");
    fs::rename(folder, &away).expect("the folder is moved");
    fs::write(folder, "").expect("a file");
    let violation = not_refused(world, "cannot be opened").await;
    fs::remove_file(folder).expect("the file");
    fs::rename(&away, folder).expect("the folder is moved back");
    violation
}

/// The start ends with a sentence that names the folder and has these words.
async fn not_refused(world: &mut World, words: &str) -> Option<Violation> {
    let started = world.nodes[0].gateway.try_restart().await;
    let is_refused = started.as_ref().is_err_and(|refusal| {
        let sentence = &refusal.sentence;
        refusal.code == Some(1) && sentence.contains("/data") && sentence.contains(words)
    });
    if started.is_ok() {
        world.nodes[0].gateway.kill9();
    }
    let what = format!("the start on a folder that cannot be used: {started:?}");
    (!is_refused).then(|| Violation::new(Kind::Refused, what))
}

fn set_writable(folder: &Path, is_writable: bool) {
    let modes = if is_writable {
        [0o700, 0o600]
    } else {
        [0o500, 0o400]
    };
    for (path, mode) in [folder, &file_in(folder)].into_iter().zip(modes) {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    }
}

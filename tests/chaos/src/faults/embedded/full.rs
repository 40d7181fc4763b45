//! The store finds no room: saves are refused with 507, reading and live updates go on, and so do
//! deletes on a full disk. Once there is room, saves are taken without a restart.

use std::fs;

use people_testing::process::{Gateway, person};
use people_testing::wait::eventually;

use super::super::stage::Stage;
use super::damage::file_in;
use super::set;
use super::volume::Volume;
use crate::checks::RunReport;
use crate::clients::{Kind, Violation};
use crate::world::{Allowance, Case, StoreAt, World};

/// The disk. The store's file takes a part of it, and the rest is filled.
const DISK_BYTES: u64 = 24 << 20;
/// What a file may always grow to: the log of the gateway is one, too.
const LEAST_LIMIT: u64 = 128 * 1024;
/// While the file is opened again, writes are answered 503.
const ANSWERS: [u16; 2] = [503, 507];

/// Every other run restarts the gateway on the full disk.
pub(super) async fn disk(case: Case) -> RunReport {
    let Some(volume) = Volume::mount(DISK_BYTES) else {
        let mut report = file(case).await;
        let note = "no disk was full: users may not mount here; the length of files was limited";
        report.notes.push(note.to_owned());
        return report;
    };
    let store = StoreAt::Embedded(volume.folder(), case.logs());
    let url = format!("embedded:{}", volume.folder().display());
    let world = World::at(&case, &store, 1, &[("store.url", &url)]).await;
    let mut stage = Stage::fill(world, store).await;
    let people = Sample::create(&stage.world.nodes[0].gateway).await;

    volume.fill();
    people
        .saves_are_refused(&stage.world.nodes[0].gateway)
        .await;
    let mut violations = people.others_go_on(&stage.world.nodes[0].gateway).await;
    if case.seed.is_multiple_of(2) {
        stage.world.allowed.closes = true;
        stage.world.close_codes = Some(&[0]);
        stage.world.nodes[0].gateway.kill9_and_start().await;
        stage.world.nodes[0].gateway.wait_ready().await;
        people
            .saves_are_refused(&stage.world.nodes[0].gateway)
            .await;
    }
    violations.extend(people.deletes_go_on(&stage.world.nodes[0].gateway).await);
    stage.pause(500).await;
    volume.clear();
    stage.world.load_goes_on(40).await;
    end(stage, violations).await
}

/// A limit on the length of files, as `ulimit -f` sets it. It may refuse deletes as well.
pub(super) async fn file(case: Case) -> RunReport {
    let mut stage = set(&case).await;
    stage.world.allowed = Allowance::NOTHING;
    let gateway = &stage.world.nodes[0].gateway;
    let people = Sample::create(gateway).await;
    let file = fs::metadata(file_in(&gateway.folder().join("data")));
    let mut limit = file.expect("the store's file").len();
    eventually("a save is refused", async || {
        limit = (limit / 8 * 7).max(LEAST_LIMIT);
        gateway.limit_file_length(Some(limit));
        people.save(gateway).await == 507
    })
    .await;
    let violations = people.others_go_on(gateway).await;
    stage.pause(500).await;
    stage.world.nodes[0].gateway.limit_file_length(None);
    stage.world.load_goes_on(40).await;
    end(stage, violations).await
}

async fn end(stage: Stage, violations: Vec<Violation>) -> RunReport {
    let mut report = stage.end().await;
    report.violations.extend(violations);
    let others = report
        .refused
        .keys()
        .any(|status| !ANSWERS.contains(status));
    if others {
        let what = format!("writes without room were answered {:?}", report.refused);
        report.violations.push(Violation::new(Kind::Refused, what));
    }
    report
}

/// People of this fault.
struct Sample {
    saved: String,
    deleted: [String; 3],
}

impl Sample {
    async fn create(gateway: &Gateway) -> Self {
        let mut ids = Vec::new();
        for name in ["Ada", "Grace", "Joan", "Ann"] {
            ids.push(gateway.create(&person(name)).await);
        }
        let [saved, deleted @ ..] = <[String; 4]>::try_from(ids).expect("four");
        Self { saved, deleted }
    }

    async fn save(&self, gateway: &Gateway) -> u16 {
        gateway.put(&self.saved, &person("Zoë"), false).await
    }

    async fn saves_are_refused(&self, gateway: &Gateway) {
        eventually("a save is refused because there is no room", async || {
            self.save(gateway).await == 507
        })
        .await;
    }

    /// Reading goes on; live updates are compared in the end.
    async fn others_go_on(&self, gateway: &Gateway) -> Vec<Violation> {
        let mut violations = Vec::new();
        for path in [&format!("/people/{}", self.saved), "/people"] {
            let answer = gateway.request("GET", path).send().await;
            let status = answer.map_or(0, |answer| answer.status().as_u16());
            if status != 200 {
                let what = format!("without room, {path} was answered {status}");
                violations.push(Violation::new(Kind::Refused, what));
            }
        }
        violations
    }

    async fn deletes_go_on(&self, gateway: &Gateway) -> Vec<Violation> {
        let mut violations = Vec::new();
        for id in &self.deleted {
            let status = gateway.delete(id).await;
            if status != 204 {
                let what = format!("on the full disk a delete was answered {status}");
                violations.push(Violation::new(Kind::Refused, what));
            }
        }
        violations
    }
}

//! Cursors that cannot be continued: of another deployment, of the store before it was emptied, of
//! another number of partitions, of the future. Each is answered as docs/protocol.md says.

use people_client::Cursor;
use people_gateway::domain::Partition;
use people_gateway::filter::Kinds;
use people_testing::process::{Gateway, person};
use people_testing::wait::eventually;

use super::set;
use crate::checks::RunReport;
use crate::clients::{ClientOptions, Format, Kind, SavedView, Violation, Watcher, handshake};
use crate::world::{Allowance, Case, World};

pub(super) async fn foreign(case: Case) -> RunReport {
    let (redis, mut stage) = set(&case, &[]).await;
    let world = &mut stage.world;
    // The store is emptied once.
    world.allowed = Allowance {
        discontinuities: 1,
        losses: true,
        closes: false,
    };
    let elsewhere = another_deployment(case.partitions).await;
    let before = world.saved_views(0);
    world.save_lost_history(redis.port()).await;
    redis.command::<()>(&["FLUSHALL"]).await;
    eventually("every gateway has found the new epoch", async || {
        for node in &world.nodes {
            let found = node
                .gateway
                .count_at("relay_resets_total", r#"reason="epoch""#);
            if found.await == 0 {
                return false;
            }
        }
        true
    })
    .await;
    world.load_goes_on(20).await;
    world.all_live().await;

    let mut violations = Vec::new();
    let heads = world.saved_views(1)[0].fold.cursor.clone().expect("live");
    let foreign = [
        ("of another deployment", elsewhere, "epoch"),
        ("of the future", later(&heads, 1_000), "forked"),
        ("of the near future", later(&heads, 1), "forked"),
        ("of another branch", later(&heads, 0), "forked"),
    ];
    violations.extend(resume(world, &before, 1, "of before the loss", "epoch").await);
    for (number, (what, cursor, reason)) in foreign.into_iter().enumerate() {
        let mut views = world.saved_views(1);
        views.truncate(8);
        for view in &mut views {
            view.fold.cursor = Some(cursor.clone());
        }
        violations.extend(resume(world, &views, number % 3, what, reason).await);
    }
    violations.extend(refusals(world, &heads).await);
    let mut report = stage.end().await;
    report.violations.extend(violations);
    report
}

/// Clients resume, each once: those with `reset` receive it with this reason, text is refused with
/// 410.
async fn resume(
    world: &mut World,
    views: &[SavedView],
    gateway: usize,
    what: &str,
    reason: &str,
) -> Vec<Violation> {
    let first = world.watchers.len();
    world.resume(views, gateway, &format!("with a cursor {what}"));
    let segments: Vec<usize> = {
        let with_text = views.iter().flat_map(|view| {
            let times = 1 + usize::from(view.options.format == Format::Json);
            std::iter::repeat_n(view.fold.segments.len(), times)
        });
        with_text.collect()
    };
    let mut violations = Vec::new();
    for (watcher, before) in world.watchers[first..].iter().zip(segments) {
        let is_text = watcher.options.format == Format::Text;
        eventually("a client resumes", async || {
            let is_served = watcher.inspect(|state| is_text || state.fold.has_been_live());
            watcher.is_live() && is_served
        })
        .await;
        let state = watcher.state();
        let begun = state.fold.segments.get(before..).unwrap_or_default();
        let resets: Vec<_> = begun.iter().map(|it| it.reset.as_deref()).collect();
        let is_right = if is_text {
            state.refusals == [410]
        } else {
            state.refusals.is_empty() && resets == [Some(reason)]
        };
        if !is_right {
            let what = format!(
                "{}: instead of {reason} or 410 it was refused {:?} and reset {resets:?}",
                watcher.name, state.refusals
            );
            violations.push(Violation::new(Kind::WrongView, what));
        }
    }
    violations
}

/// What is no cursor of this deployment is refused with 400. An event source is not refused: it
/// would never come back.
async fn refusals(world: &World, heads: &Cursor) -> Vec<Violation> {
    let gateway = &world.nodes[0].gateway;
    let all: Vec<String> = heads.log_positions().map(|at| at.to_string()).collect();
    let more = format!("{heads},{}:a.1.b", world.case.partitions);
    let twice = format!("{heads},{}", all[0]);
    let beyond = {
        let mut parts = all.clone();
        "0:a.9007199254740993.b".clone_into(&mut parts[0]);
        parts.join(",")
    };
    let mut wrong = vec![more, twice, beyond, "0:zz".to_owned()];
    if all.len() > 1 {
        wrong.push(all[1..].join(","));
    }
    let mut violations = Vec::new();
    for cursor in &wrong {
        for format in [Format::Json, Format::CloudEvents, Format::Sse, Format::Text] {
            let status = handshake(&options(format), gateway.address, cursor).await;
            if status != 400 {
                let what = format!("{format:?} with the cursor {cursor} was answered {status}");
                violations.push(Violation::new(Kind::Refused, what));
            }
        }
        let begin = event_source(gateway, cursor).await;
        if !begin.contains("event: reset") || !begin.contains(r#""reason":"unknown""#) {
            let what = format!("an event source with the id {cursor} was sent {begin}");
            violations.push(Violation::new(Kind::Refused, what));
        }
    }
    violations
}

/// The beginning of a stream to an event source that comes back with this id.
async fn event_source(gateway: &Gateway, id: &str) -> String {
    let mut answer = gateway
        .request("GET", "/updates")
        .header("accept", "text/event-stream")
        .header("last-event-id", id)
        .send()
        .await
        .expect("an answer");
    let mut begin = format!("{} ", answer.status());
    while begin.matches("\n\n").count() < 2 {
        let Ok(Some(chunk)) = answer.chunk().await else {
            break;
        };
        begin.push_str(&String::from_utf8_lossy(&chunk));
    }
    begin
}

fn options(format: Format) -> ClientOptions {
    ClientOptions {
        format,
        kinds: Kinds::All,
        condition: String::new(),
        begins_with_snapshot: false,
        has_small_buffer: false,
    }
}

/// A cursor of another store with as many partitions.
async fn another_deployment(partitions: u16) -> Cursor {
    let partitions = partitions.to_string();
    let gateway = Gateway::ready(&[("store.partitions", &partitions)]).await;
    for name in ["Ada", "Grace", "Joan"] {
        gateway.create(&person(name)).await;
    }
    let name = "a client elsewhere".to_owned();
    let client = Watcher::start(name, options(Format::Json), 0, vec![gateway.address]);
    eventually("the client elsewhere is live", async || client.is_live()).await;
    let view = client.saved_view().expect("it is live");
    view.fold.cursor.expect("it is live")
}

/// The cursor so many changes later in the first partition, with a tag that no change has.
fn later(cursor: &Cursor, changes: u64) -> Cursor {
    let at = cursor.log_positions().map(|at| {
        let position = at.position;
        if at.partition == Partition::new(0) {
            let (epoch, seq) = (position.epoch, position.seq.get() + changes);
            format!("0:{epoch}.{seq}.5eed")
        } else {
            at.to_string()
        }
    });
    let text = at.collect::<Vec<_>>().join(",");
    text.parse().expect("a cursor")
}

//! A proxy between each gateway and the server drops, delays, corrupts, half closes, and holds back
//! what it passes on.

use std::time::Duration;

use people_testing::redis::RedisServer;

use super::DURABLE;
use crate::checks::RunReport;
use crate::faults::stage::{PATIENT, Stage};
use crate::world::{Case, LinkState, Way, World};

/// Lets each of these states last so long, one after the other, at random gateways.
async fn through(case: Case, states: &[LinkState], milliseconds: u64) -> RunReport {
    let redis = RedisServer::start(DURABLE).await;
    let world = World::linked(&case, redis.port(), 3, PATIENT).await;
    let mut stage = Stage::fill(world, redis.port().into()).await;
    for _ in 0..3 {
        for state in states {
            let gateway = stage.world.number(0..3);
            stage.world.nodes[gateway].link().set(*state);
            stage.pause(milliseconds).await;
            stage.world.nodes[gateway].link().set(LinkState::Open);
        }
        stage.world.load_goes_on(10).await;
    }
    stage.end().await
}

pub(super) async fn dropped(case: Case) -> RunReport {
    through(case, &[LinkState::Cut], 250).await
}

/// Writes happen, and their answers are lost with the connection.
pub(super) async fn answers_lost(case: Case) -> RunReport {
    let redis = RedisServer::start(DURABLE).await;
    let world = World::linked(&case, redis.port(), 3, PATIENT).await;
    let mut stage = Stage::fill(world, redis.port().into()).await;
    for _ in 0..8 {
        let gateway = stage.world.number(0..3);
        for state in [LinkState::Held(Way::ToClient), LinkState::Cut] {
            stage.world.nodes[gateway].link().set(state);
            stage.pause(60).await;
        }
        stage.world.nodes[gateway].link().set(LinkState::Open);
        stage.world.load_goes_on(10).await;
    }
    stage.end().await
}

pub(super) async fn delayed(case: Case) -> RunReport {
    let delays = [5, 60, 300].map(|ms| LinkState::Delayed(Duration::from_millis(ms)));
    through(case, &delays, 300).await
}

pub(super) async fn corrupted(case: Case) -> RunReport {
    through(case, &[LinkState::Corrupt(Way::ToClient)], 100).await
}

pub(super) async fn half_closed(case: Case) -> RunReport {
    let ways = [Way::ToServer, Way::ToClient].map(LinkState::HalfClosed);
    through(case, &ways, 200).await
}

pub(super) async fn held(case: Case) -> RunReport {
    let ways = [Way::ToServer, Way::ToClient].map(LinkState::Held);
    through(case, &ways, 900).await
}

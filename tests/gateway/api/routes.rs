//! The description and the router have the same paths and methods.

use std::collections::BTreeSet;

use people_gateway::http::{Console, templates};

use super::description::Description;
use people_testing::http::Gateway;

/// The paths of the router.
fn routed() -> BTreeSet<String> {
    templates(Console::On)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn every_path_of_the_router_is_described_and_no_other() {
    let gateway = Gateway::start().await;
    let description = Description::of(&gateway).await;
    assert_eq!(
        description.paths().keys().cloned().collect::<BTreeSet<_>>(),
        routed()
    );
}

#[tokio::test]
async fn every_method_of_a_path_is_described_and_no_other() {
    let gateway = Gateway::start().await;
    let description = Description::of(&gateway).await;
    for (path, calls) in description.paths() {
        let filled = path
            .replace("{id}", crate::UNUSED_ID)
            .replace(['{', '}'], "");
        let answer = gateway.call("BREW", &filled, &[], "").await;
        assert_eq!(answer.status, 405, "{path}");
        let allowed: BTreeSet<&str> = answer
            .header("allow")
            .expect("Allow")
            .split(',')
            .map(str::trim)
            .collect();
        let mut described: BTreeSet<String> = calls
            .as_object()
            .expect("calls")
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        if described.contains("GET") {
            described.insert("HEAD".to_owned());
        }
        assert_eq!(
            allowed
                .into_iter()
                .map(str::to_owned)
                .collect::<BTreeSet<_>>(),
            described,
            "{path}"
        );
    }
}

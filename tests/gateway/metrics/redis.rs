//! Redis: its commands by name, with their time, and its errors by kind.

use super::{Scrape, wait_for_counts};
use people_testing::process::{Gateway, person};
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

#[tokio::test]
async fn commands_are_counted_by_name_and_errors_by_kind() {
    let mut server = RedisServer::start(&[]).await;
    let gateway = Gateway::ready(&[("store.url", &server.url())]).await;
    let ada = gateway.create(&person("Ada")).await;
    gateway.create(&person("Grace")).await;
    let path = format!("/people/{ada}");
    assert_eq!(
        gateway
            .request("GET", &path)
            .send()
            .await
            .expect("an answer")
            .status(),
        200
    );
    assert_eq!(gateway.delete(&ada).await, 204);
    let expected = [
        (r#"redis_command_duration_seconds_count{command="save"}"#, 2),
        (
            r#"redis_command_duration_seconds_count{command="delete"}"#,
            1,
        ),
        (r#"redis_command_duration_seconds_count{command="tail"}"#, 1),
        ("redis_errors_total", 0),
        ("store_batches_total", 4),
    ];
    wait_for_counts(&gateway, &expected).await;
    // Each probe reads two layouts with HGET, and the server's role with INFO.
    let read = || async {
        let scrape = Scrape::of(&gateway).await;
        let sent = |command| {
            scrape.count(&format!(
                r#"redis_command_duration_seconds_count{{command="{command}"}}"#
            ))
        };
        sent("hget") == 2 * sent("info") + 1
    };
    eventually("one person was read", read).await;
    let probes = r#"redis_command_duration_seconds_count{command="publish"}"#;
    assert!(
        Scrape::of(&gateway).await.count(probes) > 0,
        "a probe has run"
    );

    server.command::<()>(&["SCRIPT", "FLUSH"]).await;
    gateway.create(&person("Hedy")).await;
    let counted = || async {
        let scrape = Scrape::of(&gateway).await;
        let forgotten = scrape.count(r#"redis_errors_total{kind="no_script"}"#);
        // The save, and any other command sent before its script was loaded again.
        forgotten > 0
            && scrape.count("redis_errors_total") == forgotten
            && scrape.count(r#"redis_command_duration_seconds_count{command="save"}"#) == 4
            && scrape.count("store_errors_total") == 0
    };
    eventually("the forgotten scripts are counted", counted).await;

    server.kill9();
    let refused = || async {
        let scrape = Scrape::of(&gateway).await;
        scrape.count(r#"redis_errors_total{kind="connection"}"#) > 0
            && scrape.count(r#"store_errors_total{reason="unavailable"}"#) > 0
            && scrape.count("ready") == 0
    };
    eventually("the outage is counted", refused).await;
}

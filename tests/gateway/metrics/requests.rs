//! REST: requests by route and status, their time, their bytes, imports, connections.

use super::{Scrape, wait_for_counts};
use crate::live::websocket::peer::Peer;
use people_testing::process::{Gateway, person};
use people_testing::wait::eventually;

#[tokio::test]
async fn requests_are_counted_by_method_route_and_status_with_their_bytes() {
    let gateway = Gateway::ready(&[]).await;
    let (mut sent, mut received) = (0, 0);
    let ada = person("Ada").to_string();
    let absent = format!("/people/{}", crate::UNUSED_ID);
    let calls = [
        ("GET", "/people", "", 200),
        ("POST", "/people", ada.as_str(), 201),
        ("POST", "/people", ada.as_str(), 201),
        ("POST", "/people", "{", 400),
        ("GET", "/people", "", 200),
        ("GET", absent.as_str(), "", 404),
        ("PUT", absent.as_str(), ada.as_str(), 404),
        ("BREW", "/people", "", 405),
        ("GET", "/people/of/nowhere", "", 404),
        ("GET", "/wp-login.php", "", 404),
        ("GET", "/docs", "", 200),
    ];
    for (method, path, body, status) in calls {
        let mut request = gateway.request(method, path);
        if !body.is_empty() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_owned());
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{method} {path}");
        sent += body.len() as u64;
        received += answer.bytes().await.expect("a body").len() as u64;
    }
    let expected = [
        (
            r#"http_requests_total{method="GET",route="/people",status="200"}"#,
            2,
        ),
        (
            r#"http_requests_total{method="POST",route="/people",status="201"}"#,
            2,
        ),
        (
            r#"http_requests_total{method="POST",route="/people",status="400"}"#,
            1,
        ),
        (
            r#"http_requests_total{method="GET",route="/people/{id}",status="404"}"#,
            1,
        ),
        (
            r#"http_requests_total{method="PUT",route="/people/{id}",status="404"}"#,
            1,
        ),
        (
            r#"http_requests_total{method="other",route="/people",status="405"}"#,
            1,
        ),
        (
            r#"http_requests_total{method="GET",route="unknown",status="404"}"#,
            2,
        ),
        (r#"http_requests_total{route="/docs"}"#, 1),
        ("http_requests_total", 11),
        (
            r#"http_request_duration_seconds_count{method="POST",route="/people"}"#,
            3,
        ),
        ("http_request_duration_seconds_count", 11),
        ("http_request_body_bytes_total", sent),
        ("http_response_body_bytes_total", received),
        ("store_writes_total", 2),
    ];
    wait_for_counts(&gateway, &expected).await;
}

#[tokio::test]
async fn lines_of_imports_are_counted_by_outcome() {
    let gateway = Gateway::ready(&[]).await;
    for lines in [&["Ada", "Grace", ""][..], &["Hedy"]] {
        let lines: Vec<_> = lines
            .iter()
            .map(|name| format!("{}\n", person(name)))
            .collect();
        let import = gateway
            .request("POST", "/people/import")
            .header("content-type", "application/x-ndjson");
        assert_eq!(
            import
                .body(lines.concat())
                .send()
                .await
                .expect("an answer")
                .status(),
            200
        );
    }
    let expected = [
        ("imports_total", 2),
        ("import_lines_total{outcome=\"saved\"}", 3),
        ("import_lines_total{outcome=\"refused\"}", 1),
        (
            r#"http_requests_total{method="POST",route="/people/import",status="200"}"#,
            2,
        ),
    ];
    wait_for_counts(&gateway, &expected).await;
}

#[tokio::test]
async fn connections_have_a_count_a_limit_and_a_count_of_refusals() {
    let gateway = Gateway::ready(&[("http.connections_max", "2")]).await;
    let first = gateway.listen("").await;
    let second = gateway.listen("").await;
    let mut third = Peer::connect(gateway.address).await;
    assert_eq!(third.head().await.0, 503);
    let full = [
        ("http_connections", 2),
        ("http_connections_max", 2),
        ("http_connections_refused_total", 1),
        ("ready", 1),
    ];
    wait_for_counts(&gateway, &full).await;
    drop((first, second));
    wait_for_counts(&gateway, &[("http_connections", 0)]).await;
}

#[tokio::test]
async fn the_process_and_its_build_have_metrics() {
    let gateway = Gateway::ready(&[]).await;
    let scrape = Scrape::of(&gateway).await;
    let of = |name: &str| scrape.families[name].samples[0].value;
    let resident = gateway.memory_kib("VmRSS") as f64 * 1024.0;
    let reported = of("process_resident_memory_bytes");
    assert!(
        (reported - resident).abs() < resident / 2.0,
        "{reported} {resident}"
    );
    let (open, most) = (of("process_open_fds"), of("process_max_fds"));
    assert!(3.0 < open && open < most, "{open} {most}");
    assert!(of("process_threads") > 2.0);
    // The kernel counts hundredths of a second: it takes some scrapes until one is full.
    let cpu = || async {
        Scrape::of(&gateway).await.families["process_cpu_seconds"].samples[0].value > 0.0
    };
    eventually("CPU time is counted", cpu).await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs_f64();
    let started = of("process_start_time_seconds");
    assert!(
        now - 3600.0 < started && started < now + 2.0,
        "{started} {now}"
    );
    let version = &scrape.families["people_gateway_build_info"].samples[0].labels["version"];
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

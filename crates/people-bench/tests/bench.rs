//! people-bench as users run it: it counts every delivery, and reports errors with exit codes and
//! messages. The tests check no times, which depend on the machine.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(120);

async fn bench(words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_people-bench"));
    command
        .args(words.split_whitespace())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    timeout(DEADLINE, command.output())
        .await
        .expect("the bench ends")
        .expect("the bench starts")
}

/// Runs the bench, which must fail: exit code, standard error.
async fn failure(words: &str) -> (i32, String) {
    let output = bench(words).await;
    assert!(output.stdout.is_empty(), "{words}: {output:?}");
    (
        output.status.code().expect("no signal ended it"),
        String::from_utf8(output.stderr).expect("UTF-8"),
    )
}

/// Runs the bench without faults, and returns its report.
async fn report(words: &str) -> Value {
    let output = bench(&format!("{words} --turns 1 --disturbed keep --json -")).await;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}: {errors}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("only JSON");
    assert_eq!(
        (&report["lost"], &report["doubled"]),
        (&0.into(), &0.into()),
        "{words}: {errors}"
    );
    report
}

fn figure<'r>(report: &'r Value, contestant: usize, key: &str) -> &'r Value {
    &report["contestants"][contestant]["figures"][key]["median"]
}

#[tokio::test]
async fn every_delivery_of_a_fan_out_and_of_its_baseline_is_counted() {
    let report =
        report("fanout --clients 20 --rate 50 --seconds 1 --store embedded --baseline").await;
    for contestant in 0..2 {
        assert_eq!(
            figure(&report, contestant, "deliveries"),
            1000.0,
            "{report:#}"
        );
        assert_eq!(
            figure(&report, contestant, "payload_bytes"),
            186.0,
            "the frames of the baseline have the same length: {report:#}"
        );
        assert!(
            figure(&report, contestant, "latency_p99_ms").is_f64(),
            "{report:#}"
        );
    }
    let gateway = &report["contestants"][1];
    assert_eq!(gateway["compared_with"], "baseline, a send a frame");
    assert_eq!(
        gateway["ratios"]["server_us_per_delivery"]["turns"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn all_deliveries_arrive_without_a_rate_limit_in_json() {
    let report = report(
        "fanout --clients 10 --in-flight 8 --seconds 1 --store embedded --baseline --format json \
         --auth",
    )
    .await;
    assert!(
        (0..2).all(|contestant| figure(&report, contestant, "deliveries").as_f64() > Some(0.0)),
        "{report:#}"
    );
}

#[tokio::test]
async fn each_change_reaches_the_clients_with_its_filter() {
    for filter in ["equal", "range", "conjunction"] {
        let words = "selective --clients 50 --filters 10 --rate 100 --seconds 1 --store embedded \
                     --baseline";
        let report = report(&format!("{words} --filter {filter}")).await;
        for contestant in 0..2 {
            assert_eq!(
                figure(&report, contestant, "deliveries"),
                500.0,
                "{report:#}"
            );
        }
    }
}

#[tokio::test]
async fn all_clients_of_a_storm_an_idle_run_and_a_resume_connect() {
    let storm =
        report("storm --clients 100 --filters 10 --subscribers 5 --store embedded --baseline")
            .await;
    assert!(
        figure(&storm, 1, "connects_per_second").as_f64() > Some(0.0),
        "{storm:#}"
    );
    let idle = report("idle --clients 50 --filters 5 --seconds 1 --store embedded").await;
    assert!(
        figure(&idle, 0, "kib_per_connection_at_end").is_f64(),
        "{idle:#}"
    );
    for format in ["json", "text"] {
        let words = format!(
            "resume --clients 100 --changes 200 --filters 20 --store embedded --format {format}"
        );
        let resume = report(&words).await;
        assert_eq!(figure(&resume, 0, "deliveries"), 1000.0, "{resume:#}");
        assert!(figure(&resume, 0, "log_reads").is_f64(), "{resume:#}");
    }
}

#[tokio::test]
async fn slow_clients_receive_all_changes_eventually() {
    for format in ["json", "text"] {
        let words = format!(
            "slow --clients 5 --slow 5 --rate 200 --seconds 2 --store embedded --format {format}"
        );
        let slow = report(&words).await;
        assert_eq!(
            slow["contestants"][1]["compared_with"],
            "gateway, embedded, fast clients only"
        );
    }
}

#[tokio::test]
async fn changes_on_a_second_gateway_reach_the_clients_of_the_first() {
    let push = report("push --clients 10 --rate 50 --seconds 1 --writer other").await;
    assert_eq!(
        push["contestants"].as_array().map(Vec::len),
        Some(1),
        "an embedded store has one gateway: {push:#}"
    );
    assert_eq!(figure(&push, 0, "deliveries"), 500.0);
}

/// Starts a gateway, and returns its address for people.
async fn gateway(folder: &Path) -> (Child, String) {
    // Tests of the workspace build the program; tests of this package alone do not.
    let program = Path::new(env!("CARGO_BIN_EXE_people-bench")).with_file_name("people-gateway");
    assert!(
        program.exists(),
        "the gateway is not built: cargo build --bin people-gateway"
    );
    let mut command = Command::new(program);
    command.args([
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
        "--store",
    ]);
    command
        .arg(format!("embedded:{}", folder.display()))
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().expect("the gateway starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    loop {
        let line = timeout(DEADLINE, lines.next_line())
            .await
            .expect("in time")
            .expect("a line")
            .expect("the gateway keeps running");
        if let Some((_, url)) = line.split_once("REST and live updates  ") {
            return (child, url.to_owned());
        }
    }
}

#[tokio::test]
async fn the_bench_fails_if_others_write_and_deletes_only_its_own_people() {
    let folder = tempfile::tempdir().unwrap();
    let (_gateway, people) = gateway(folder.path()).await;
    let client = reqwest::Client::new();
    let ada = r#"{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician"}"#;
    let others = tokio::spawn({
        let (client, people) = (client.clone(), people.clone());
        async move {
            loop {
                let request = client
                    .post(&people)
                    .header("content-type", "application/json")
                    .body(ada);
                assert_eq!(request.send().await.expect("an answer").status(), 201);
            }
        }
    });
    let (code, errors) = {
        let output = bench(&format!(
            "push --url {people} --clients 5 --rate 20 --seconds 1 --turns 1"
        ))
        .await;
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(code, Some(1), "{errors}");
    assert!(
        errors.contains("gateway at --url: 0 deliveries were lost, ")
            && errors.contains("came too often"),
        "{errors}"
    );
    others.abort();
    let list = client.get(&people).send().await.unwrap().text().await;
    let left: Value = serde_json::from_str(&list.unwrap()).unwrap();
    let jobs: Vec<&Value> = left
        .as_array()
        .expect("a list")
        .iter()
        .map(|person| &person["job"])
        .collect();
    assert!(
        !jobs.is_empty() && jobs.iter().all(|job| **job == "Mathematician"),
        "{jobs:?}"
    );
}

#[tokio::test]
async fn without_a_gateway_the_bench_fails_with_one_line() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (code, errors) = failure(&format!("fanout --url http://{free} --turns 1")).await;
    assert_eq!(code, 1, "{errors}");
    assert!(
        errors.contains(&format!("no gateway answers at http://{free}"))
            && errors.trim_end().lines().count() == 1,
        "{errors}"
    );
    let (code, errors) = failure("fanout --gateway /nowhere/people-gateway").await;
    assert_eq!(code, 1, "{errors}");
    assert!(
        errors.contains("/nowhere/people-gateway") && errors.contains("--gateway"),
        "{errors}"
    );
}

#[tokio::test]
async fn wrong_usage_exits_with_2_and_a_message() {
    for (words, message) in [
        ("", "Usage: people-bench"),
        ("fanout --clients 0", "0 is not in 1.."),
        ("fanout --url https://a", "people-bench speaks no TLS"),
        (
            "fanout --writer other --store embedded",
            "--writer other needs --store redis",
        ),
        ("idle --url http://127.0.0.1:1", "--pid"),
    ] {
        let (code, errors) = failure(words).await;
        assert_eq!(code, 2, "{words}: {errors}");
        assert!(errors.contains(message), "{words}: {errors}");
    }
}

/// redis-benchmark must call the script as the store does.
#[tokio::test]
async fn writes_of_rest_and_of_redis_benchmark_are_counted() {
    let report = report("writes --seconds 1 --keeps memory").await;
    for contestant in 0..2 {
        assert!(
            figure(&report, contestant, "writes_per_second").as_f64() > Some(0.0),
            "{report:#}"
        );
    }
}

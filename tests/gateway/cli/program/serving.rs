//! The program serves until a signal ends it, and reports why it cannot serve.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::cli::process::{embedded, free_port_flags, gateway, run, start_gateway};
use crate::cli::terminal::signal;
use people_testing::port::free_port;
use people_testing::wait::DEADLINE;

#[tokio::test]
async fn a_port_in_use_is_reported_in_one_line_with_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap();
    for flag in ["--listen", "--admin-listen"] {
        let mut arguments = free_port_flags(&embedded(folder.path()));
        let at = arguments
            .iter()
            .position(|argument| argument == flag)
            .unwrap();
        arguments[at + 1] = taken.to_string();
        let (code, out, err) = run(gateway(&arguments)).await;
        assert_eq!((code, out.as_str()), (1, ""));
        assert_eq!(err.trim_end().lines().count(), 1, "{err}");
        assert!(
            err.contains(&taken.to_string()) && err.contains(&format!("{flag},")),
            "{err}"
        );
    }
}

#[tokio::test]
async fn the_gateway_serves_with_and_without_the_subcommand_and_a_signal_ends_it_with_0() {
    for word in [&["serve"][..], &[]] {
        let folder = tempfile::tempdir().unwrap();
        let arguments: Vec<String> = word
            .iter()
            .map(|word| (*word).to_owned())
            .chain(free_port_flags(&embedded(folder.path())))
            .collect();
        let serving = start_gateway(gateway(&arguments)).await;
        let list = reqwest::get(&serving.people).await.unwrap();
        assert_eq!(
            (list.status().as_u16(), list.text().await.unwrap().as_str()),
            (200, "[]\n")
        );
        assert_eq!(
            reqwest::get(serving.ready.replace("readyz", "livez"))
                .await
                .unwrap()
                .status(),
            200
        );
        serving.signal(if word.is_empty() {
            Signal::INT
        } else {
            Signal::TERM
        });
        assert_eq!(serving.exit_code().await, Some(0));
    }
}

#[tokio::test]
async fn a_second_process_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = free_port_flags(&embedded(folder.path()));
    let _first = start_gateway(gateway(&arguments)).await;
    for command in [
        gateway(&arguments),
        gateway(&["migrate", "--store", &embedded(folder.path())]),
    ] {
        let (code, _, err) = run(command).await;
        assert_eq!(code, 1);
        assert!(err.contains("another process"), "{err}");
    }
}

#[tokio::test]
async fn without_redis_the_gateway_listens_but_is_not_ready() {
    let serving = start_gateway(gateway(&free_port_flags("redis://127.0.0.1:1/0"))).await;
    assert_eq!(reqwest::get(&serving.ready).await.unwrap().status(), 503);
    let list = reqwest::get(&serving.people).await.unwrap();
    assert_eq!(list.status(), 503);
    let port = serving
        .ready
        .trim_start_matches("http://")
        .trim_end_matches("/readyz");
    let (code, _, err) = run(gateway(&["health", "--admin-listen", port])).await;
    assert_eq!(code, 1);
    assert!(err.contains("503"), "{err}");
    serving.signal(Signal::TERM);
    assert_eq!(serving.exit_code().await, Some(0));
}

#[tokio::test]
async fn the_limit_of_open_files_is_raised_to_its_maximum() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -S -n 256 && exec \"$@\"", "sh"])
        .arg(people_testing::program())
        .args(free_port_flags(&embedded(folder.path())))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let serving = start_gateway(command).await;
    let limits =
        std::fs::read_to_string(format!("/proc/{}/limits", serving.child.id().unwrap())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    let numbers: Vec<&str> = line.split_whitespace().skip(3).take(2).collect();
    assert_eq!(numbers[0], numbers[1]);
}

#[tokio::test]
async fn the_gateway_serves_when_its_output_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("127.0.0.1:{}", free_port());
    let mut arguments = free_port_flags(&embedded(folder.path()));
    arguments[1].clone_from(&listen);
    let mut child = gateway(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let answered = async {
        while reqwest::get(format!("http://{listen}/people"))
            .await
            .is_err()
        {
            assert_eq!(child.try_wait().unwrap(), None, "the gateway ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, answered)
        .await
        .expect("the gateway serves");
}

#[tokio::test]
async fn a_host_name_listens_on_all_its_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut arguments = free_port_flags(&embedded(folder.path()));
    arguments[1] = format!("localhost:{port}");
    arguments[3] = "localhost:0".to_owned();
    let serving = start_gateway(gateway(&arguments)).await;
    let addresses: Vec<SocketAddr> = ("localhost", port).to_socket_addrs().unwrap().collect();
    for address in addresses {
        // A name may have an address that this machine lacks.
        if TcpListener::bind((address.ip(), 0)).is_ok() {
            let list = reqwest::get(format!("http://{address}/people"))
                .await
                .unwrap();
            assert_eq!(list.status(), 200, "{address}");
        }
    }
    let admin = serving
        .ready
        .trim_start_matches("http://")
        .trim_end_matches("/readyz")
        .replace("127.0.0.1", "localhost");
    assert_eq!(
        run(gateway(&["health", "--admin-listen", &admin])).await,
        (0, String::new(), String::new())
    );
    for nowhere in ["nowhere.invalid:8080", "8080", ":8080"] {
        let (code, _, err) = run(gateway(&["--listen", nowhere])).await;
        assert_eq!(code, 1);
        assert!(
            err.contains("listen: ") && err.contains("--listen"),
            "{err}"
        );
    }
}

#[tokio::test]
async fn with_a_json_log_all_output_is_json() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = gateway(&free_port_flags(&embedded(folder.path())));
    command
        .env("PEOPLE_GATEWAY__LOG__FORMAT", "json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(DEADLINE, lines.next_line())
        .await
        .expect("the gateway listens")
        .unwrap()
        .expect("a line");
    let welcome: serde_json::Value = serde_json::from_str(&line).unwrap();
    let list = reqwest::get(welcome["REST and live updates"].as_str().expect("a URL"))
        .await
        .unwrap();
    assert_eq!(list.status(), 200);
    signal(&child, Signal::TERM);
    let output = timeout(DEADLINE, child.wait_with_output())
        .await
        .expect("the gateway ends")
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    let logged: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(
        logged
            .iter()
            .any(|line| line["message"] == "serving" && line["listen"].is_string()),
        "{log}"
    );
    assert_eq!(
        timeout(DEADLINE, lines.next_line())
            .await
            .expect("an end")
            .unwrap(),
        None
    );
}

//! SIGTERM: running requests finish, sessions are closed, and no peer can delay the end.

mod sessions;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use people_testing::process::{Gateway, person};
use people_testing::wait::{DEADLINE, eventually};

/// Longer than any test: a gateway that ends earlier has not waited for it.
const FOR_EVER: &str = "3600000";

/// An import of which one line was sent and saved.
struct Import(TcpStream);

impl Import {
    async fn begin(gateway: &Gateway) -> Self {
        let mut listener = gateway.listen("").await;
        let mut stream = TcpStream::connect(gateway.address)
            .await
            .expect("a connection");
        let head = "POST /people/import HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut import = Self(stream);
        import.line("Ada").await;
        assert!(
            listener.sentence().await.contains("Ada"),
            "the import is under way"
        );
        listener.say("stop").await;
        listener.end().await;
        import
    }

    async fn line(&mut self, name: &str) {
        let line = format!("{}\n", person(name));
        self.0
            .write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes())
            .await
            .expect("sent");
    }

    /// Sends the end, and returns the answer.
    async fn end(mut self) -> String {
        self.0.write_all(b"0\r\n\r\n").await.expect("sent");
        let mut answer = String::new();
        timeout(DEADLINE, self.0.read_to_string(&mut answer))
            .await
            .expect("in time")
            .expect("no reset");
        answer
    }
}

/// Sends SIGTERM, and waits until the shutdown has begun.
async fn stop(gateway: &Gateway) {
    gateway.signal(Signal::TERM);
    eventually("readiness is red", || async {
        gateway.readyz().await == 503
    })
    .await;
}

#[tokio::test]
async fn a_running_request_finishes_and_no_new_connection_is_accepted() {
    let mut gateway = Gateway::ready(&[("shutdown.grace_ms", FOR_EVER)]).await;
    let mut import = Import::begin(&gateway).await;
    stop(&gateway).await;
    eventually("the port is closed", || async {
        TcpStream::connect(gateway.address).await.is_err()
    })
    .await;
    import.line("Grace").await;
    let answer = import.end().await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ")
            && answer.contains(r#"{"saved":2,"refused":0,"lines":2}"#),
        "{answer}"
    );
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn during_the_notice_the_gateway_is_not_ready_and_serves_everything() {
    let mut gateway = Gateway::ready(&[("shutdown.notice_ms", "3000")]).await;
    gateway.signal(Signal::TERM);
    eventually("readiness is red", || async {
        gateway.readyz().await == 503
    })
    .await;
    let id = gateway.create(&person("Ada")).await;
    let mut listener = gateway.listen("").await;
    let answer = gateway
        .request("GET", "/people")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["connection"],
        "close",
        "a client with a connection pool learns it in time"
    );
    assert_eq!(gateway.delete(&id).await, 204);
    // The save may reach the session too: it was answered before the gateway passed it on.
    listener.until(&format!("Deleted person [{id}]")).await;
    let log = gateway.log();
    assert!(
        log.contains("notice_ms=3000") && !log.contains("grace_ms"),
        "{log}"
    );
    assert_eq!(gateway.exit_code().await, Some(0));
    assert!(gateway.log().contains("grace_ms"));
}

#[tokio::test]
async fn a_second_signal_ends_the_notice_at_once() {
    let mut gateway = Gateway::ready(&[("shutdown.notice_ms", FOR_EVER)]).await;
    gateway.signal(Signal::TERM);
    eventually("readiness is red", || async {
        gateway.readyz().await == 503
    })
    .await;
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.exit_code().await, Some(143));
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_when_the_grace_is_over() {
    let mut gateway =
        Gateway::ready(&[("shutdown.grace_ms", "500"), ("http.body_idle_ms", "30000")]).await;
    let mut import = Import::begin(&gateway).await;
    stop(&gateway).await;
    assert_eq!(gateway.exit_code().await, Some(0));
    let mut answer = Vec::new();
    let read = timeout(DEADLINE, import.0.read_to_end(&mut answer))
        .await
        .expect("in time");
    assert!(read.is_err() || answer.is_empty(), "cut, not answered");
}

#[tokio::test]
async fn a_second_signal_ends_the_gateway_at_once() {
    for (second, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut gateway = Gateway::ready(&[
            ("shutdown.grace_ms", FOR_EVER),
            ("http.body_idle_ms", "30000"),
        ])
        .await;
        let import = Import::begin(&gateway).await;
        stop(&gateway).await;
        gateway.signal(second);
        assert_eq!(
            gateway.exit_code().await,
            Some(code),
            "although an import was running"
        );
        drop(import);
    }
}

#[tokio::test]
async fn no_write_acknowledged_during_the_shutdown_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("embedded:{}", folder.path().display());
    let settings = [("store.url", &*store), ("store.partitions", "4")];
    let mut gateway = Gateway::ready(&settings).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let post = gateway
            .request("POST", "/people")
            .header("content-type", "application/json");
        writers.spawn(async move {
            let mut saved = Vec::new();
            loop {
                let body = person(&format!("Writer {writer} save {}", saved.len())).to_string();
                let Ok(answer) = post.try_clone().expect("no stream").body(body).send().await
                else {
                    return saved;
                };
                assert_eq!(answer.status(), 201);
                saved.push(
                    answer.headers()["location"]
                        .to_str()
                        .expect("ASCII")
                        .to_owned(),
                );
            }
        });
    }
    eventually("writers are at work", || async {
        gateway.count("store_writes_total").await > 200
    })
    .await;
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.exit_code().await, Some(0));
    let saved: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    let again = Gateway::ready(&settings).await;
    for location in saved {
        let answer = again
            .request("GET", &format!("/{location}"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200, "{location} was acknowledged");
    }
}

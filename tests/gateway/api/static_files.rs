//! The pages of the program: their paths, files and headers.

use std::io::Read as _;

use people_gateway::http::{Console, Options};
use people_testing::http::{Gateway, Setup};

#[tokio::test]
async fn pages_are_served_with_their_types_and_are_isolated() {
    let gateway = Gateway::start().await;
    for (path, media) in [
        ("/", "text/html; charset=utf-8"),
        ("/console/main.js", "text/javascript; charset=utf-8"),
        ("/console/client.js", "text/javascript; charset=utf-8"),
        ("/console/src/live.js", "text/javascript; charset=utf-8"),
        ("/console/style.css", "text/css; charset=utf-8"),
        ("/console/icon.svg", "image/svg+xml"),
        ("/console/people.csv", "text/csv; charset=utf-8"),
        (
            "/console/vendor/LICENSE-preact",
            "text/plain; charset=utf-8",
        ),
        ("/docs", "text/html; charset=utf-8"),
        (
            "/docs/vendor/htm-preact.js",
            "text/javascript; charset=utf-8",
        ),
        ("/openapi.json", "application/json"),
        ("/asyncapi.yaml", "application/yaml"),
    ] {
        let answer = gateway.get(path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(media)),
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        let head = gateway.call("HEAD", path, &[], "").await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(
            head.header("content-length"),
            Some(answer.body.len().to_string().as_str()),
            "{path}"
        );
        assert_eq!(head.header("etag"), answer.header("etag"), "{path}");
    }
}

#[tokio::test]
async fn a_client_that_accepts_gzip_gets_the_same_file_in_fewer_bytes() {
    let gateway = Gateway::start().await;
    for path in [
        "/",
        "/console/vendor/uplot.js",
        "/console/style.css",
        "/docs",
        "/openapi.json",
        "/asyncapi.yaml",
    ] {
        let plain = gateway.get(path).await;
        assert_eq!(
            (plain.header("vary"), plain.header("content-encoding")),
            (Some("Accept-Encoding"), None),
            "{path}"
        );
        let ask = |method| {
            gateway
                .request(method, path)
                .header("accept-encoding", "br, gzip;q=0.5")
        };
        let answer = ask("GET").send().await.expect("an answer");
        let header = |answer: &reqwest::Response, name: &str| {
            answer.headers()[name].to_str().expect("ASCII").to_owned()
        };
        assert_eq!(header(&answer, "content-encoding"), "gzip", "{path}");
        assert_eq!(header(&answer, "vary"), "Accept-Encoding", "{path}");
        assert_eq!(
            Some(header(&answer, "content-type").as_str()),
            plain.header("content-type"),
            "{path}"
        );
        let tag = header(&answer, "etag");
        assert_ne!(Some(tag.as_str()), plain.header("etag"), "{path}");
        let length = header(&answer, "content-length");
        let head = ask("HEAD").send().await.expect("an answer");
        assert_eq!(
            (header(&head, "content-length"), header(&head, "etag")),
            (length, tag.clone()),
            "{path}"
        );
        let bytes = answer.bytes().await.expect("a body");
        assert!(bytes.len() < plain.body.len(), "{path}");
        let mut whole = String::new();
        flate2::read::GzDecoder::new(&bytes[..])
            .read_to_string(&mut whole)
            .expect("gzip");
        assert_eq!(whole, plain.body, "{path}");
        let again = ask("GET")
            .header("if-none-match", &tag)
            .send()
            .await
            .expect("an answer");
        assert_eq!(
            (
                again.status().as_u16(),
                header(&again, "vary"),
                header(&again, "etag")
            ),
            (304, "Accept-Encoding".into(), tag.clone())
        );
        let other = gateway
            .call("GET", path, &[("if-none-match", &tag)], "")
            .await;
        assert_eq!(
            (other.status, other.body),
            (200, plain.body),
            "each coding has its own tag"
        );
    }
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let gateway = Gateway::start().await;
    let answer = gateway.get("/console/main.js").await;
    let tag = answer.header("etag").expect("a tag");
    let again = gateway
        .call("GET", "/console/main.js", &[("if-none-match", tag)], "")
        .await;
    assert_eq!(
        (again.status, again.body.as_str(), again.header("etag")),
        (304, "", Some(tag))
    );
    let other = gateway
        .call("GET", "/console/table.js", &[("if-none-match", tag)], "")
        .await;
    assert_eq!(other.status, 200, "the tag is the file's");
}

#[tokio::test]
async fn files_that_belong_to_no_page_are_not_found() {
    let gateway = Gateway::start().await;
    for path in [
        "/console",
        "/console/",
        "/console/README.md",
        "/console/x.js",
        "/docs/",
        "/docs/README.md",
        "/console/..%2fMakefile",
    ] {
        gateway.get(path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn the_console_can_be_switched_off_and_the_api_page_stays() {
    let options = Options {
        console: Console::Off,
        ..Options::default()
    };
    let gateway = Gateway::start_with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    for path in ["/", "/console/main.js", "/console/vendor/htm-preact.js"] {
        gateway.get(path).await.problem(404, "not-found");
    }
    for path in [
        "/docs",
        "/docs/vendor/htm-preact.js",
        "/docs/style.css",
        "/people",
    ] {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_description_of_messages_is_the_file_in_the_documents() {
    let gateway = Gateway::start().await;
    assert_eq!(
        gateway.get("/asyncapi.yaml").await.body,
        include_str!("../../../docs/asyncapi.yaml")
    );
}

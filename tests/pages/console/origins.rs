//! A page of another origin with the JavaScript client: the client reports why the gateway refuses
//! it.

use std::path::Path;

use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::net::TcpListener;

use crate::console::support::browser::Browser;
use people_testing::process::Gateway;

/// Opens a live view of the gateway in its address, and shows the result in its title.
const PAGE: &str = "import { live } from './client/index.js';
    const people = live({ url: new URLSearchParams(location.search).get('gateway'), \
        from: 'snapshot' });
    document.title = 'open';
    people.on('live', () => { document.title = 'live'; });
    people.closed.then((error) => { document.title = `ended: ${error?.message}`; });";

async fn file(uri: Uri) -> Response {
    let script = |text: String| ([(header::CONTENT_TYPE, "text/javascript")], text).into_response();
    match uri.path() {
        "/" => (
            [(header::CONTENT_TYPE, "text/html")],
            "<script type=module src=page.js></script>",
        )
            .into_response(),
        "/page.js" => script(PAGE.to_owned()),
        path => match path
            .strip_prefix("/client/")
            .map(|name| Path::new("clients/js").join(name))
        {
            Some(path) => script(
                std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
                    .expect("a file"),
            ),
            None => StatusCode::NOT_FOUND.into_response(),
        },
    }
}

#[tokio::test]
async fn a_page_of_another_origin_gets_the_reason_and_the_setting() {
    let gateway = Gateway::ready(&[]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let pages =
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(file)).await });
    // Chromium resolves this foreign name to this machine.
    let browser = Browser::open(&format!(
        "http://other.example:{port}/?gateway={}",
        gateway.url("/")
    ))
    .await;
    let advice = format!(
        "document.title.includes('http.origins') && \
         document.title.includes('http://other.example:{port}')"
    );
    browser
        .shows(
            "the client ends with the advice",
            &format!("document.title.startsWith('ended: ') && {advice}"),
            json!(true),
        )
        .await;
    // A dev server on this machine needs no setting.
    let browser = Browser::open(&format!(
        "http://localhost:{port}/?gateway={}",
        gateway.url("/")
    ))
    .await;
    browser
        .shows("it is live", "document.title", json!("live"))
        .await;
    pages.abort();
}

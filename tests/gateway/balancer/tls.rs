//! The balancer with a certificate: tokens work by `https` and `wss`, and nothing is served in
//! clear.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use futures_util::StreamExt as _;
use people_testing::haproxy::Haproxy;
use people_testing::process::person;
use people_testing::program;
use people_testing::wait::{DEADLINE, eventually};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::dns::Dns;
use super::{ADDRESSES, CONFIGURATION, Deployment, free_port};

/// A balancer's port for TLS, and the files that the script of the Compose file makes.
struct Tls {
    port: u16,
    folder: TempDir,
    environment: [(&'static str, String); 3],
}

impl Tls {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut script = Command::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/scripts/compose-auth.sh"
        ));
        script.arg(folder.path()).env("PEOPLE_GATEWAY", program());
        run(script, folder.path());
        let port = free_port();
        let certificate = file(&folder, "people.pem");
        Self {
            port,
            folder,
            environment: [
                ("BALANCER_TLS_LISTEN", format!("127.0.0.1:{port}")),
                ("BALANCER_TLS_PORT", port.to_string()),
                ("BALANCER_CERTIFICATE", certificate),
            ],
        }
    }

    fn environment(&self) -> Vec<(&str, &str)> {
        let pairs = self.environment.iter();
        pairs.map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// A token of this role by the issuer's key.
    fn token(&self, role: &str) -> String {
        let mut command = Command::new(program());
        command.args([
            "token", "--sub", "ada", "--role", role, "--claim", "team=red",
        ]);
        command.args(["--keys", &file(&self.folder, "issuer.jwks")]);
        run(command, self.folder.path()).trim().to_owned()
    }

    /// The certificate of the authority, in PEM.
    fn authority(&self) -> Vec<u8> {
        std::fs::read(file(&self.folder, "authority.pem")).expect("a certificate")
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// A client that trusts the authority.
    fn client(&self) -> reqwest::Client {
        let authority = reqwest::Certificate::from_pem(&self.authority()).expect("PEM");
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE);
        let client = client.redirect(reqwest::redirect::Policy::none());
        let client = client.tls_certs_only([authority]).build();
        client.expect("a client")
    }

    /// A connection of a client that would rather speak HTTP/2.
    async fn connect(&self) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(&self.authority()).expect("PEM");
        roots.add(authority).expect("an authority");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS");
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await;
        let name = ServerName::try_from("localhost").expect("a name");
        let stream =
            TlsConnector::from(Arc::new(config)).connect(name, stream.expect("a listener"));
        stream.await.expect("a handshake")
    }

    /// Opens a WebSocket as a page of the balancer's own does, with this token.
    async fn open(&self, token: &str) -> WebSocketStream<TlsStream<TcpStream>> {
        let url = self.url("/updates").replace("https", "wss");
        let mut request = url.into_client_request().expect("a request");
        let headers = request.headers_mut();
        let offered = format!("people.v1.json, bearer.{token}");
        headers.insert("sec-websocket-protocol", offered.parse().expect("ASCII"));
        headers.insert("origin", self.url("").parse().expect("ASCII"));
        let opened = timeout(DEADLINE, client_async(request, self.connect().await));
        let (socket, answer) = opened.await.expect("in time").expect("a handshake");
        assert_eq!(answer.headers()["sec-websocket-protocol"], "people.v1.json");
        socket
    }
}

/// A file of the folder.
fn file(folder: &TempDir, name: &str) -> String {
    let path = folder.path().join(name);
    path.to_str().expect("UTF-8").to_owned()
}

/// Runs a command in this folder, and returns its output.
fn run(mut command: Command, folder: &Path) -> String {
    let output = command.current_dir(folder).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[tokio::test]
async fn a_token_works_by_https_and_wss_and_nothing_is_served_in_clear() {
    let tls = Tls::new();
    let settings = [
        ("auth.mode", "jwt"),
        ("auth.keys", &*file(&tls.folder, "keys.jwks")),
        (
            "auth.policy",
            concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/policy.toml"),
        ),
        ("http.hosts", "localhost"),
    ];
    let deployment = Deployment::start(&settings, &tls.environment()).await;
    let (client, token) = (tls.client(), tls.token("admin"));
    eventually("the balancer has found a gateway", async || {
        let call = client.get(tls.url("/rights")).bearer_auth(&token).send();
        call.await.is_ok_and(|answer| answer.status() == 200)
    })
    .await;

    for (role, hide) in [
        ("admin", json!([])),
        ("clerk", json!(["attributes.salary"])),
        ("viewer", json!([])),
    ] {
        let call = client.get(tls.url("/rights")).bearer_auth(tls.token(role));
        let rights: Value = call
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        assert_eq!((&rights["role"], &rights["hide"]), (&json!(role), &hide));
        assert_eq!(rights["show"].is_array(), role == "viewer");
    }

    let mut socket = tls.open(&token).await;
    let call = client.post(tls.url("/people")).bearer_auth(&token);
    let answer = call.json(&person("Ada")).send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
    let saved: Value = answer.json().await.expect("the person");
    let seen = async {
        loop {
            let message = socket.next().await.expect("a message").expect("a message");
            if message
                .to_text()
                .is_ok_and(|text| text.contains("\"create\""))
            {
                return message;
            }
        }
    };
    let seen = timeout(DEADLINE, seen).await.expect("in time");
    let id = saved["id"].as_str().expect("an id");
    assert!(seen.to_text().expect("text").contains(id), "{seen}");

    let call = client.get(tls.url("/people")).send();
    assert_eq!(call.await.expect("an answer").status(), 401);

    let clear = format!("http://{}?limit=1&where=age%20%3E%201", deployment.people);
    let call = client.get(clear).bearer_auth(&token).send();
    let answer = call.await.expect("an answer");
    assert_eq!(answer.status(), 308);
    let expected = tls.url("/people?limit=1&where=age%20%3E%201");
    let expected = expected.replace("localhost", "127.0.0.1");
    assert_eq!(answer.headers()["location"], expected);
    assert!(
        deployment.connect().await.is_none(),
        "no WebSocket in clear"
    );
}

/// Answers each request with 200 and its head, on a port of loopback.
async fn echo() -> u16 {
    let listener = TcpListener::bind((ADDRESSES[0], 0)).await;
    let listener = listener.expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await?);
                }
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", head.len());
                socket.write_all(answer.as_bytes()).await?;
                socket.write_all(&head).await
            });
        }
    });
    port
}

#[tokio::test]
async fn gateways_learn_who_calls_and_clients_speak_http_1() {
    let (tls, dns, port) = (Tls::new(), Dns::start(&ADDRESSES[..1]).await, echo().await);
    let (listen, port) = (format!("127.0.0.1:{}", free_port()), port.to_string());
    let usual = [
        ("BALANCER_LISTEN", &*listen),
        ("GATEWAY_RESOLVER", &*dns.address().to_string()),
        ("GATEWAY_PORT", &*port),
        ("GATEWAY_ADMIN_PORT", &*port),
    ];
    let environment = [&usual, &tls.environment()[..]].concat();
    let _balancer = Haproxy::start(Path::new(CONFIGURATION), &environment);
    let client = tls.client();
    let mut head = String::new();
    eventually("the balancer has found the server", async || {
        let call = client.get(tls.url("/people")).bearer_auth("a.b.c");
        let Ok(answer) = call.header("x-forwarded-for", "10.1.2.3").send().await else {
            return false;
        };
        let is_answer = answer.status() == 200;
        head = answer.text().await.expect("text").to_ascii_lowercase();
        is_answer
    })
    .await;
    assert!(head.contains("authorization: bearer a.b.c\r\n"), "{head}");
    let callers: Vec<&str> = head
        .lines()
        .filter_map(|line| line.strip_prefix("x-forwarded-for: "))
        .collect();
    assert_eq!(callers.last(), Some(&"127.0.0.1"), "the peer comes last");
    let stream = tls.connect().await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}

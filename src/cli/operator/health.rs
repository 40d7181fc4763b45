//! `health`: asks a running gateway whether it is ready, for container images without curl.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::config::Settings;

/// The time limit for the connection, and for each part of the answer.
const LIMIT: Duration = Duration::from_secs(2);
/// The longest answer in bytes. A gateway's is short.
const ANSWER_MAX: u64 = 16 * 1024;

pub(in crate::cli) fn health(settings: &Settings) -> anyhow::Result<()> {
    let (address, answer) = first_answer(settings.admin.listen.addresses())?;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    let body = answer
        .split_once("\r\n\r\n")
        .map_or("", |(_, body)| body.trim());
    if status != "200" {
        bail!("http://{address}/readyz answers {status}: {body}");
    }
    Ok(())
}

/// The first address of the listener that answers, and its answer.
fn first_answer(addresses: &[SocketAddr]) -> anyhow::Result<(SocketAddr, String)> {
    let mut failed = None;
    for address in addresses.iter().copied().map(reachable) {
        match ask(address).with_context(|| no_answer(address)) {
            Ok(answer) => return Ok((address, answer)),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    Err(failed.expect("a listener has at least one address"))
}

fn no_answer(address: SocketAddr) -> String {
    format!(
        "no answer from http://{address}/readyz: is a gateway running there? --admin-listen or \
         --config names another"
    )
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    // One write: `write!` would send each part in its own packet.
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The loopback address, for a gateway that listens on all addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn answered(answer: &'static str) -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let environment = [
            ("ADMIN__LISTEN", format!("0.0.0.0:{port}")),
            ("AUTH__MODE", "none".into()),
        ];
        let environment = environment
            .map(|(key, value)| (format!("PEOPLE_GATEWAY__{key}"), value))
            .to_vec();
        let sources = crate::config::Sources {
            environment: Some(environment),
            ..Default::default()
        };
        let outcome = health(&Settings::load(&sources).unwrap());
        assert!(
            server
                .join()
                .unwrap()
                .starts_with("GET /readyz HTTP/1.1\r\n")
        );
        outcome
    }

    #[test]
    fn only_a_ready_gateway_is_healthy() {
        answered("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nready\n").unwrap();
        let refused =
            answered("HTTP/1.1 503 Service Unavailable\r\n\r\nnot ready: shutting down\n")
                .unwrap_err();
        assert!(
            refused
                .to_string()
                .ends_with("answers 503: not ready: shutting down"),
            "{refused}"
        );
        assert!(answered("").is_err());
    }
}

//! The admin listener of a gateway: its readiness and its counters.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The time limit for a connection and its answer.
const LIMIT: Duration = Duration::from_secs(5);
/// The longest answer in bytes.
const ANSWER_MAX: u64 = 4 * 1024 * 1024;

/// Whether the gateway is ready.
pub(crate) async fn is_ready(admin: SocketAddr) -> bool {
    get(admin, "/readyz").await.is_ok()
}

/// The value of a counter in `/metrics`, without labels, by its full name.
pub(crate) async fn counter(admin: SocketAddr, name: &str) -> anyhow::Result<u64> {
    let text = get(admin, "/metrics").await?;
    find(&text, name).with_context(|| format!("http://{admin}/metrics has no {name}"))
}

fn find(metrics: &str, name: &str) -> Option<u64> {
    let value = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    value.trim().parse().ok()
}

/// The body of a successful answer.
async fn get(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.take(ANSWER_MAX).read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let url = || format!("http://{address}{path}");
    let answer = timeout(LIMIT, exchange)
        .await
        .with_context(url)?
        .with_context(url)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.to_owned()),
        _ => bail!(
            "{} answers {}",
            url(),
            answer.lines().next().unwrap_or_default()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_found_by_its_full_name() {
        let text = "# TYPE reads counter\nreads_total_more 3\nreads_total 17\n# EOF\n";
        assert_eq!(find(text, "reads_total"), Some(17));
        assert_eq!(find(text, "reads"), None);
    }
}

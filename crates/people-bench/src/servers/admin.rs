//! The admin listener of a gateway: whether it is ready, and what it has counted.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// For an answer, from the connection on.
const LIMIT: Duration = Duration::from_secs(5);
/// The longest answer.
const ANSWER_MAX: u64 = 4 * 1024 * 1024;

/// Whether it says that it is ready.
pub(crate) async fn is_ready(admin: SocketAddr) -> bool {
    get(admin, "/readyz").await.is_ok()
}

/// A counter of `/metrics`, without labels, by its whole name.
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

/// The body of an answer with status 200.
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
    let asked = || format!("http://{address}{path}");
    let answer = timeout(LIMIT, exchange)
        .await
        .with_context(asked)?
        .with_context(asked)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.to_owned()),
        _ => bail!(
            "{} answers {}",
            asked(),
            answer.lines().next().unwrap_or_default()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_found_by_its_whole_name() {
        let text = "# TYPE reads counter\nreads_total_more 3\nreads_total 17\n# EOF\n";
        assert_eq!(find(text, "reads_total"), Some(17));
        assert_eq!(find(text, "reads"), None);
    }
}

//! Reads the metrics that a gateway serves.

use super::Gateway;
use crate::wait::eventually;

impl Gateway {
    /// The value of a metric without labels, or the sum over all its labels.
    pub async fn metric(&self, name: &str) -> f64 {
        self.samples(name)
            .await
            .iter()
            .map(|(_, value)| value.parse::<f64>().expect("a number"))
            .sum()
    }

    /// The value of a counter without labels, or the sum over all its labels.
    pub async fn count(&self, name: &str) -> u64 {
        self.samples(name)
            .await
            .iter()
            .map(|(_, value)| value.parse::<u64>().expect("a count"))
            .sum()
    }

    /// The value of a counter with these labels, such as `reason="forked"`; 0 before its first
    /// count.
    pub async fn count_at(&self, name: &str, labels: &str) -> u64 {
        let samples = self.samples(name).await;
        let sample = samples.iter().find(|(key, _)| key == labels);
        sample.map_or(0, |(_, value)| value.parse().expect("a count"))
    }

    /// Waits until this many clients are sent changes as they come. A client that still catches up
    /// when changes begin cannot fall behind: it has never been up to date.
    pub async fn all_served(&self, clients: u64) {
        eventually("every client is served", async || {
            self.count("views").await == clients
        })
        .await;
    }

    /// The labels and the value of each line of a metric.
    async fn samples(&self, name: &str) -> Vec<(String, String)> {
        let text = self
            .http
            .get(format!("http://{}/metrics", self.admin))
            .send()
            .await
            .expect("metrics");
        let text = text.text().await.expect("text");
        let full = format!("people_gateway_{name}");
        let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
        let samples = lines.filter_map(|(key, value)| {
            let (name, labels) = key.split_once('{').unwrap_or((key, "}"));
            (name == full).then(|| (labels.trim_end_matches('}').to_owned(), value.to_owned()))
        });
        samples.collect()
    }
}

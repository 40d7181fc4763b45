//! The plan of a load, and its messages: one line of JSON each, because the load is a process of
//! its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a load waits without progress while something is due.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The plan of a load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoadPlan {
    /// The address for clients.
    pub(crate) server: SocketAddr,
    /// The address for changes.
    pub(crate) writer: SocketAddr,
    /// The number of clients that read as fast as they can.
    pub(crate) clients: usize,
    pub(crate) format: ClientFormat,
    /// The topics of clients and changes.
    pub(crate) topics: Topics,
    pub(crate) stage: LoadStage,
    pub(crate) cleanup: Cleanup,
    /// The tokens of clients, where the server asks for them: a file with one in a line. Client N
    /// sends token N, modulo their number.
    pub(crate) tokens: Option<PathBuf>,
    /// The token for changes.
    pub(crate) writer_token: Option<String>,
}

/// The format of clients' messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum ClientFormat {
    /// Plain sentences
    Text,
    /// people.v1.json
    Json,
}

/// The topics of clients and changes. The client and the change with number N have the topic N
/// modulo
/// `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Topics {
    /// No filter: every client gets every change.
    Everything,
    /// Distinct filters of this kind. Each change matches one of them.
    Filters { kind: FilterKind, count: u32 },
}

/// The condition of a filter, here for topic 17.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum FilterKind {
    /// attributes.key == "k17"
    Equal,
    /// attributes.score >= 170 && attributes.score < 180
    Range,
    /// attributes.key == "k17" && age >= 18
    Conjunction,
}

/// What a load does with its clients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum LoadStage {
    /// Keeps them connected until standard input is closed.
    Idle,
    /// Makes changes, first for an unmeasured warm-up, then measured.
    Changes {
        pace: Pace,
        warm_up: Duration,
        length: RunLength,
        /// Further clients, which read slowly during the measurement, and catch up after it.
        slow: Option<SlowPlan>,
    },
    /// Takes a cursor, makes this number of changes, then connects all clients with the cursor.
    Resume { changes: u64 },
}

/// When the load makes the next change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Pace {
    /// At this rate.
    PerSecond(u32),
    /// As soon as fewer than this number are in flight to any client.
    InFlight(u32),
}

/// When a run of changes ends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum RunLength {
    Time(Duration),
    Count(u64),
    /// At any input on standard input, or its end.
    UntilInput,
}

/// The plan of slow clients.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct SlowPlan {
    pub(crate) clients: usize,
    /// The rate of each client.
    pub(crate) bytes_per_second: u32,
}

/// What happens to the created people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cleanup {
    /// The load keeps them: the server's store is temporary.
    Keep,
    /// The load deletes them: the server is not ours.
    Delete,
}

/// The messages of a load, in this order. It continues after `Begin` when it reads a line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum LoadMessage {
    /// All clients are connected, after this time.
    Open(Duration),
    /// The warm-up is over.
    Begin,
    /// All due changes have arrived, or nothing arrives any more.
    Done,
    /// The deliveries are counted.
    End(LoadOutcome),
    /// The load cannot continue.
    Failed(String),
}

/// The outcome of a load.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct LoadOutcome {
    /// The changes of the measurement.
    pub(crate) changes: u64,
    /// The deliveries of the measurement.
    pub(crate) deliveries: u64,
    /// The payload bytes of the measurement.
    pub(crate) bytes: u64,
    /// The lost and the doubled deliveries of the whole run.
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// The time from the first measured change to the last delivery.
    pub(crate) lasted: Duration,
    /// `None` if no client scanned for sequence numbers.
    pub(crate) latency: Option<Latency>,
}

/// The latency of deliveries in microseconds, from the time at which the change was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

impl Topics {
    /// The topic of the client or change with this number.
    pub(crate) fn topic(self, number: u64) -> Option<u32> {
        match self {
            Self::Everything => None,
            Self::Filters { count, .. } => u32::try_from(number % u64::from(count)).ok(),
        }
    }

    /// The filter of the client with this number.
    pub(crate) fn filter(self, client: u64) -> Option<String> {
        let (Self::Filters { kind, .. }, Some(topic)) = (self, self.topic(client)) else {
            return None;
        };
        Some(match kind {
            FilterKind::Equal => format!("attributes.key == \"k{topic}\""),
            FilterKind::Range => {
                let low = u64::from(topic) * 10;
                format!(
                    "attributes.score >= {low} && attributes.score < {}",
                    low + 10
                )
            }
            FilterKind::Conjunction => format!("attributes.key == \"k{topic}\" && age >= 18"),
        })
    }

    /// The number of the first `numbers` clients or changes that share the topic of number `of`.
    pub(crate) fn sharing(self, numbers: u64, of: u64) -> u64 {
        match self {
            Self::Everything => numbers,
            Self::Filters { count, .. } => {
                let count = u64::from(count);
                numbers / count + u64::from(numbers % count > of % count)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUNDRED: Topics = Topics::Filters {
        kind: FilterKind::Equal,
        count: 100,
    };

    #[test]
    fn each_number_is_counted_in_its_topic_once() {
        for numbers in [0, 1, 99, 100, 101, 250] {
            let counted: u64 = (0..100).map(|topic| HUNDRED.sharing(numbers, topic)).sum();
            assert_eq!(counted, numbers);
        }
        assert_eq!(
            (HUNDRED.sharing(250, 349), HUNDRED.sharing(250, 350)),
            (3, 2)
        );
        assert_eq!(Topics::Everything.sharing(250, 7), 250);
    }

    #[test]
    fn the_gateway_accepts_the_filters_and_each_matches_its_topic_only() {
        use people_gateway::domain::FieldsJson;
        use people_gateway::filter::Filter;
        for kind in [
            FilterKind::Equal,
            FilterKind::Range,
            FilterKind::Conjunction,
        ] {
            let topics = Topics::Filters { kind, count: 1000 };
            let filter = Filter::parse(&topics.filter(1017).unwrap()).unwrap();
            for (topic, matches) in [(17, true), (16, false), (18, false), (170, false)] {
                let body = crate::load::rest::body(Some(topic));
                let fields = FieldsJson::from_stored(&body).unwrap();
                assert_eq!(
                    filter.matches(people_bench::person::id(1).parse().unwrap(), &fields),
                    matches,
                    "{kind:?} {topic}"
                );
            }
        }
    }
}

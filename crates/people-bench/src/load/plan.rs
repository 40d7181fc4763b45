//! What a load is to do, and what it tells of it: one line of JSON each, so that it can be a
//! process of its own.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whom to connect where, and what for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Where clients connect.
    pub(crate) server: SocketAddr,
    /// Where changes are made.
    pub(crate) writer: SocketAddr,
    /// Clients that read as fast as they can.
    pub(crate) clients: usize,
    pub(crate) format: ClientFormat,
    /// What clients ask for, and what the changes are about.
    pub(crate) topics: Topics,
    pub(crate) stage: Stage,
    pub(crate) afterwards: Afterwards,
}

/// The form of what clients are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum ClientFormat {
    /// Plain sentences
    Text,
    /// people.v1.json
    Json,
}

/// How clients are told apart by their filters. Client and change number N belong to topic N modulo
/// `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Topics {
    /// No filter: each change is for every client.
    Everything,
    /// So many distinct filters of this kind; each change matches one of them.
    Filters { kind: FilterKind, count: u32 },
}

/// The condition in a filter, as for topic 17.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum FilterKind {
    /// attributes.key == "k17"
    Equal,
    /// attributes.score >= 170 && attributes.score < 180
    Range,
    /// attributes.key == "k17" && age >= 18
    Conjunction,
}

/// What happens once the clients are connected.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Nothing: they stay until standard input is closed.
    Idle,
    /// Changes are made, unmeasured for as long as the warm-up, then measured.
    Changes {
        pace: Pace,
        warm_up: Duration,
        length: Length,
        /// Further clients, which read slowly while changes are measured, and catch up after that.
        slow: Option<Slow>,
    },
    /// So many changes are made before the clients connect, all at once, with the cursor from
    /// before.
    Resume { changes: u64 },
}

/// When the next change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Pace {
    /// So many a second.
    PerSecond(u32),
    /// As soon as fewer than so many are on their way to some client.
    InFlight(u32),
}

/// When enough changes were made.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Length {
    Lasting(Duration),
    Count(u64),
    /// When standard input is closed, or says so.
    UntilTold,
}

/// Clients that read slowly.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Slow {
    pub(crate) clients: usize,
    /// What each of them reads.
    pub(crate) bytes_per_second: u32,
}

/// What becomes of the people that were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Afterwards {
    /// They go with their server.
    Leave,
    /// They are deleted: the server is somebody's.
    Delete,
}

/// What a load says, in this order. It goes on from `Begin` when a line comes in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    /// All clients are connected; that took so long.
    Open(Duration),
    /// The warm-up is over.
    Begin,
    /// Everything that was due has arrived, or nothing comes any more.
    Done,
    /// It was counted.
    End(Outcome),
    /// It can't go on.
    Failed(String),
}

/// What clients received.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Changes that were made while it was measured.
    pub(crate) changes: u64,
    /// How often they arrived, and in how many bytes.
    pub(crate) deliveries: u64,
    pub(crate) bytes: u64,
    /// Deliveries that did not come, or came too often, over the whole run.
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// From the first measured change to the last delivery.
    pub(crate) lasted: Duration,
    /// Nothing where no client looked.
    pub(crate) latency: Option<Latency>,
}

/// How long deliveries took, in microseconds, from the time at which the change was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

impl Topics {
    /// The topic of a client or change.
    pub(crate) fn of(self, number: u64) -> Option<u32> {
        match self {
            Self::Everything => None,
            Self::Filters { count, .. } => u32::try_from(number % u64::from(count)).ok(),
        }
    }

    /// The filter of a client.
    pub(crate) fn filter(self, client: u64) -> Option<String> {
        let (Self::Filters { kind, .. }, Some(topic)) = (self, self.of(client)) else {
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

    /// How many of the first `numbers` clients or changes belong to the same topic as number `of`.
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
    fn each_of_the_first_numbers_is_counted_in_its_topic_once() {
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
    fn the_filters_are_read_by_the_gateway_and_match_their_topic_only() {
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

//! The labels of metrics: closed lists of constant words, so that nobody outside decides how many
//! series there are.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::{MetricType, TypedMetric};

/// A label whose values are all known.
pub trait Label: Copy + Send + Sync + 'static {
    /// The label's name.
    const NAME: &'static str;
    /// Its values, in the order of [`Label::index`].
    const ALL: &'static [Self];

    /// Its place in [`Label::ALL`].
    fn index(self) -> usize;

    /// The word that operators see.
    fn word(self) -> &'static str;
}

/// One metric for each value of a label. All are there from the beginning, at zero: a series that
/// appears with its first event looks to Prometheus as if that event had not happened. Finding one
/// takes neither a lock nor a hash.
pub struct Each<L, M> {
    metrics: Arc<[M]>,
    label: PhantomData<L>,
}

impl<L: Label, M> Each<L, M> {
    /// The metric at this value.
    pub fn at(&self, label: L) -> &M {
        &self.metrics[label.index()]
    }
}

impl Each<VerdictLabel, Counter> {
    /// Adds what was counted elsewhere.
    pub fn add(&self, counts: &VerdictCounts) {
        for (label, count) in VerdictLabel::ALL
            .iter()
            .zip(counts.0)
            .filter(|(_, count)| *count > 0)
        {
            self.at(*label).inc_by(count);
        }
    }
}

impl<L: Label, M: Default> Default for Each<L, M> {
    fn default() -> Self {
        Self {
            metrics: L::ALL.iter().map(|_| M::default()).collect(),
            label: PhantomData,
        }
    }
}

impl<L, M> Clone for Each<L, M> {
    fn clone(&self) -> Self {
        Self {
            metrics: Arc::clone(&self.metrics),
            label: PhantomData,
        }
    }
}

impl<L, M: fmt::Debug> fmt::Debug for Each<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.metrics.iter()).finish()
    }
}

impl<L: Label, M: EncodeMetric + TypedMetric> EncodeMetric for Each<L, M> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for label in L::ALL {
            self.at(*label)
                .encode(encoder.encode_family(&[(L::NAME, label.word())])?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}

/// Deliveries by verdict, counted by one thread before they are added to a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerdictCounts([u64; VerdictLabel::ALL.len()]);

impl VerdictCounts {
    /// Counts so many more.
    pub fn add(&mut self, verdict: VerdictLabel, times: u64) {
        self.0[verdict.index()] += times;
    }
}

/// How a request was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The HTTP method; `other` for those that no path knows.
    pub method: &'static str,
    /// The route's template, such as `/people/{id}`; `unknown` where no route fits.
    pub route: &'static str,
    /// The HTTP status.
    pub status: u16,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// The HTTP method; `other` for those that no path knows.
    pub method: &'static str,
    /// The route's template, such as `/people/{id}`; `unknown` where no route fits.
    pub route: &'static str,
}

macro_rules! labels {
    ($(
        $(#[$doc:meta])*
        $type:ident, $name:literal {
            $( $(#[$value_doc:meta])* $value:ident = $word:literal, )*
        }
    )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $( $(#[$value_doc])* $value, )* }

        impl $type {
            /// All values, in their order.
            pub const ALL: &'static [Self] = &[$( Self::$value, )*];
        }

        impl Label for $type {
            const NAME: &'static str = $name;
            const ALL: &'static [Self] = Self::ALL;

            fn index(self) -> usize {
                self as usize
            }

            fn word(self) -> &'static str {
                match self { $( Self::$value => $word, )* }
            }
        }
    )* };
}

labels! {
    /// What a change meant to the view that was shown it.
    VerdictLabel, "verdict" {
        /// A new person in it.
        Create = "create",
        /// A person who came into it.
        Enter = "enter",
        /// A person in it who changed.
        Update = "update",
        /// A person who left it.
        Leave = "leave",
        /// A person in it who was deleted.
        Delete = "delete",
    }

    /// The form of a session's stream.
    FormatLabel, "format" {
        /// Plain text.
        Text = "text",
        /// people.v1.json.
        Json = "json",
        /// `CloudEvents`.
        CloudEvents = "cloudevents",
        /// Server-sent events.
        Sse = "sse",
    }

    /// How a session ended, by close code.
    CloseLabel, "code" {
        /// Asked for.
        Normal = "1000",
        /// The peer goes away.
        GoingAway = "1001",
        /// The peer broke the WebSocket protocol.
        Protocol = "1002",
        /// Binary where only text is spoken.
        NoBinary = "1003",
        /// A close frame without a code.
        NoStatus = "1005",
        /// No close frame at all.
        Abnormal = "1006",
        /// A text that is not UTF-8.
        NotText = "1007",
        /// Not allowed.
        Policy = "1008",
        /// A message that is too long.
        TooLong = "1009",
        /// Our fault.
        Internal = "1011",
        /// The gateway restarts.
        Restart = "1012",
        /// Too much to do.
        Overloaded = "1013",
        /// The peer stalled, or fell behind what the log keeps.
        Stalled = "4010",
        /// A code that only the peer knows.
        Other = "other",
    }

    /// Why a place in the log cannot be continued.
    BreakLabel, "reason" {
        /// Entries after it are no longer kept.
        Trimmed = "trimmed",
        /// Another history took its place.
        Forked = "forked",
        /// The log is of another epoch.
        Epoch = "epoch",
        /// The client's cursor was none of ours.
        Unknown = "unknown",
    }

    /// Why the store could not do what it was asked.
    StoreErrorLabel, "reason" {
        /// It did not answer, or cannot do it now.
        Unavailable = "unavailable",
        /// Too many calls wait.
        Overloaded = "overloaded",
        /// No memory or disk is left.
        Full = "full",
        /// It was sent, and no answer came.
        OutcomeUnknown = "outcome_unknown",
        /// What is stored is not what was expected.
        Corrupt = "corrupt",
    }

    /// What Redis was asked: a script of ours by its name, or a command.
    RedisCommandLabel, "command" {
        /// The script that saves a person.
        Save = "save",
        /// The script that deletes a person.
        Delete = "delete",
        /// The script that reads a person's page.
        Page = "page",
        /// The script that reads the log from a place on.
        Since = "since",
        /// The script that reads the log's end.
        Tail = "tail",
        /// HGET: one person, or the layout at a probe.
        Hget = "hget",
        /// HMGET: the log's head, or an idempotency record.
        Hmget = "hmget",
        /// INFO: whether the server still is a master.
        Info = "info",
        /// PUBLISH: a probe through the channel.
        Publish = "publish",
        /// What is sent at a start, or after a wipe.
        Other = "other",
    }

    /// Why a command has no answer of use.
    RedisErrorLabel, "kind" {
        /// No connection could be had in time.
        Connection = "connection",
        /// It was sent, and no answer came in time.
        Lost = "lost",
        /// The server cannot do it now: it loads, is a replica, runs another script.
        NotNow = "not_now",
        /// The server had forgotten the scripts.
        NoScript = "no_script",
        /// No memory or disk is left.
        Full = "full",
        /// Refused for good: no permission, or the wrong type of key.
        Refused = "refused",
    }

    /// What the store holds that cannot be served.
    DamageLabel, "kind" {
        /// A person's record, or an id without one.
        Record = "record",
        /// A partition's list of ids, which does not name the people that there are.
        Ids = "ids",
        /// A partition's log: an entry that cannot be read, or an end that is not the head.
        Log = "log",
        /// A partition's last changes, which the embedded file had and lost.
        History = "history",
    }

    /// From where a session was caught up.
    SourceLabel, "source" {
        /// The ring of recent changes.
        Memory = "memory",
        /// The store's log.
        Log = "log",
    }

    /// What became of a line of an import.
    LineLabel, "outcome" {
        /// The person was saved.
        Saved = "saved",
        /// It was refused.
        Refused = "refused",
    }
}

//! The commands of publication and subscription.

/// How changes and probes are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Publication {
    /// To every node of a cluster.
    Classic,
    /// To the shard of the channel's slot.
    Sharded,
}

impl Publication {
    /// The command that publishes.
    pub(in crate::store::redis) const fn publish(self) -> &'static str {
        match self {
            Self::Classic => "PUBLISH",
            Self::Sharded => "SPUBLISH",
        }
    }

    /// The command that subscribes.
    pub(in crate::store::redis) const fn subscribe(self) -> &'static str {
        match self {
            Self::Classic => "SUBSCRIBE",
            Self::Sharded => "SSUBSCRIBE",
        }
    }
}

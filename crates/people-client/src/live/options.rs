//! The options of a client.

use people_core::Kinds;

use crate::subscription::{StartPoint, ViewFilter};
use crate::timeouts::Timeouts;
use crate::tls::Trust;
use crate::tokens::{TokenSource, Tokens};
use crate::updates_url::UpdatesUrl;

/// The options of a client. [`super::LiveClient::builder`] makes them.
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) url: UpdatesUrl,
    pub(super) filter: ViewFilter,
    pub(super) fields: Option<String>,
    pub(super) start: StartPoint,
    pub(super) timeouts: Timeouts,
    pub(super) trust: Trust,
    pub(super) tokens: Option<TokenSource>,
}

impl Options {
    /// Everyone, all kinds, from now, with the default timeouts, the machine's authorities, and no
    /// tokens.
    pub(super) fn new(url: UpdatesUrl) -> Self {
        Self {
            url,
            filter: ViewFilter::default(),
            fields: None,
            start: StartPoint::default(),
            timeouts: Timeouts::default(),
            trust: Trust::default(),
            tokens: None,
        }
    }

    /// Subscribes to these kinds of change only.
    #[must_use]
    pub const fn kinds(mut self, kinds: Kinds) -> Self {
        self.filter.kinds = kinds;
        self
    }

    /// Subscribes to people who match this condition only. The server parses it; a fault in it
    /// ends the client with [`crate::ClientError::Refused`].
    #[must_use]
    pub fn condition(mut self, condition: impl Into<String>) -> Self {
        self.filter.condition = condition.into();
        self
    }

    /// Asks for these parts of people only, beside `id` and `revision`: paths such as `job` and
    /// `attributes.address.city`. The condition may name others. The server parses them; a fault in
    /// them ends the client with [`crate::ClientError::Refused`].
    #[must_use]
    pub fn fields<P: AsRef<str>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        let paths: Vec<P> = paths.into_iter().collect();
        let texts: Vec<&str> = paths.iter().map(P::as_ref).collect();
        self.fields = Some(texts.join(","));
        self
    }

    /// Starts the stream here. A cursor must come from a client with the same kinds and condition.
    #[must_use]
    pub fn from(mut self, start: StartPoint) -> Self {
        self.start = start;
        self
    }

    /// Sets the timeouts.
    #[must_use]
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the trusted authorities. Only `wss://` uses them.
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Takes tokens from this source, a new one at each attempt to connect.
    #[must_use]
    pub fn token(mut self, tokens: impl Tokens + 'static) -> Self {
        self.tokens = Some(TokenSource::new(tokens));
        self
    }
}

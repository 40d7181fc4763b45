//! Why the store in a Redis cannot be opened, in sentences for its operator.

mod trust;

use std::error::Error;

use ::redis::{ErrorKind, RedisError, ServerError};

pub(super) use self::trust::distrust;
use super::options::Options;
use super::url::redacted;

/// Why a store cannot be opened. The sentence quotes the source, if there is one.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It stays so until an operator changes something; the sentence says what.
    #[error("{sentence}")]
    Fatal {
        /// The sentence.
        sentence: String,
        /// The error that it quotes.
        source: Option<QuotedError>,
    },
    /// It may pass by itself: try again.
    #[error("{sentence}")]
    Unreachable {
        /// The sentence.
        sentence: String,
        /// The error that it quotes.
        source: Option<QuotedError>,
    },
}

/// An error that a sentence quotes.
type QuotedError = Box<dyn Error + Send + Sync>;

impl OpenError {
    pub(super) fn fatal(sentence: impl Into<String>) -> Self {
        Self::Fatal {
            sentence: sentence.into(),
            source: None,
        }
    }

    pub(super) fn unreachable(sentence: impl Into<String>) -> Self {
        Self::Unreachable {
            sentence: sentence.into(),
            source: None,
        }
    }

    /// A url that cannot be used.
    pub(super) fn url(error: impl Error + Send + Sync + 'static, url: &str) -> Self {
        let shown = redacted(url);
        Self::Fatal {
            sentence: format!("store.url cannot be used ({shown}): {error}"),
            source: Some(error.into()),
        }
    }

    /// A pool that cannot be made.
    pub(super) fn pool(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Fatal {
            sentence: format!("no connections can be made: {error}"),
            source: Some(error.into()),
        }
    }

    /// An error that the server answered with, or that the connection had, at this step of the
    /// start: either may pass, or it needs an operator.
    pub(super) fn at(step: &str, options: &Options, error: RedisError) -> Self {
        let shown = redacted(&options.url);
        let hint = hint(&options.url, &error);
        let sentence = |error: &str| format!("Redis at {shown}, {step}: {error}{hint}");
        if let Some(why) = distrust(&error) {
            return Self::Fatal {
                sentence: sentence(&why),
                source: Some(error.into()),
            };
        }
        let text = sentence(&error.to_string());
        let is_passing = match ServerError::try_from(error.clone()) {
            Ok(answer) => is_passing(&answer) || text.contains("max number of clients"),
            Err(error) => error.kind() != ErrorKind::InvalidClientConfig,
        };
        let needs_permission = error.code() == Some("NOPERM");
        let source = Some(error.into());
        if is_passing {
            let sentence = text;
            return Self::Unreachable { sentence, source };
        }
        let sentence = if needs_permission {
            format!("{text}; migrations/README.md says what the user needs")
        } else {
            text
        };
        Self::Fatal { sentence, source }
    }
}

/// Whether the server may answer otherwise later.
fn is_passing(answer: &ServerError) -> bool {
    matches!(
        answer.code(),
        "LOADING"
            | "MASTERDOWN"
            | "BUSY"
            | "READONLY"
            | "TRYAGAIN"
            | "MOVED"
            | "ASK"
            | "CLUSTERDOWN"
            | "NOREPLICAS"
            | "OOM"
            | "MISCONF"
    )
}

/// What the operator may have meant instead; empty if nothing suggests itself.
fn hint(url: &str, error: &RedisError) -> String {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    let speaks_tls = scheme.starts_with("rediss");
    if error.code() == Some("NOAUTH") {
        "; write user and password into store.url (redis://USER:PASSWORD@HOST), or into the file \
         of store.url_file"
            .to_owned()
    } else if lacks_scripts(error) {
        "; this service has no scripts (EVAL, SCRIPT), and each write is one: use another service"
            .to_owned()
    } else if !doubts_tls(error, speaks_tls) {
        String::new()
    } else if speaks_tls {
        let plain = scheme.replacen("rediss", "redis", 1);
        format!("; if this port does not speak TLS, write {plain}:// instead of {scheme}://")
    } else {
        let secured = scheme.replacen("redis", "rediss", 1);
        format!("; if this port speaks TLS, write {secured}:// instead of {scheme}://")
    }
}

/// Whether the port may be one for the other transport.
pub(super) fn doubts_tls(error: &RedisError, speaks_tls: bool) -> bool {
    if speaks_tls {
        // Redis without TLS waits for the end of a line that never comes, or answers bytes that are
        // no TLS record.
        error.is_timeout() || error.to_string().contains("InvalidContentType")
    } else {
        // A port with TLS answers a command with an alert and hangs up; the reset may overtake the
        // alert.
        error.kind() == ErrorKind::Parse || error.is_connection_dropped()
    }
}

fn lacks_scripts(error: &RedisError) -> bool {
    let text = error.to_string().to_ascii_lowercase();
    let unknown = text
        .split_once("unknown command")
        .map(|(_, command)| command);
    unknown.is_some_and(|command| command.contains("eval") || command.contains("script"))
}

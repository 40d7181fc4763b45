//! The log on standard error, one line an event: text for people (in colours on a terminal) or
//! JSON. Libraries log at `warn` and above.

use std::fmt;
use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::audit;

/// The least important event that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Events that need an operator.
    Error,
    /// Events that may need an operator.
    Warn,
    /// Changes of the gateway's state.
    Info,
    /// Reasons of decisions.
    Debug,
    /// Everything.
    Trace,
}

/// The format of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people. `pretty` is an alias.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// An unknown name of a level or a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownWord {
    /// Not a level.
    #[error("has to be error, warn, info, debug or trace")]
    Level,
    /// Not a format.
    #[error("has to be text (or pretty) or json")]
    Format,
}

const LEVELS: [(LogLevel, &str, LevelFilter); 5] = [
    (LogLevel::Error, "error", LevelFilter::ERROR),
    (LogLevel::Warn, "warn", LevelFilter::WARN),
    (LogLevel::Info, "info", LevelFilter::INFO),
    (LogLevel::Debug, "debug", LevelFilter::DEBUG),
    (LogLevel::Trace, "trace", LevelFilter::TRACE),
];

/// Starts the log. A second call in one process changes nothing.
pub fn init(level: LogLevel, format: LogFormat) {
    let own = LEVELS
        .iter()
        .find(|(known, ..)| *known == level)
        .map_or(LevelFilter::INFO, |(.., filter)| *filter);
    let filter = Targets::new()
        .with_default(own.min(LevelFilter::WARN))
        .with_target("people_gateway", own)
        .with_target(audit::TARGET, own);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(is_coloured()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // Fails only if a log is running already, which serves as well.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init();
}

/// Whether lines have colours: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
fn is_coloured() -> bool {
    std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

impl FromStr for LogLevel {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        LEVELS
            .iter()
            .find(|(_, word, _)| *word == text)
            .map(|(level, ..)| *level)
            .ok_or(UnknownWord::Level)
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            LEVELS
                .iter()
                .find(|(level, ..)| level == self)
                .map_or("info", |(_, word, _)| word),
        )
    }
}

impl FromStr for LogFormat {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "text" | "pretty" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(UnknownWord::Format),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

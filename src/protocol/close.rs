//! Why the server ends a session: the close codes of RFC 6455 that it uses, and its own.

use std::borrow::Cow;
use std::time::Duration;

use crate::telemetry::Label;

/// A close code that may go over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

/// A close frame's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code.
    pub code: CloseCode,
    /// At most 123 bytes, or the frame would be longer than a control frame may be.
    pub reason: Cow<'static, str>,
}

impl CloseCode {
    /// The client asked for it.
    pub const NORMAL: Self = Self(1000);
    /// The client goes away. Only clients send it.
    pub const GOING_AWAY: Self = Self(1001);
    /// The client broke the WebSocket protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// A text message was not UTF-8.
    pub const NOT_TEXT: Self = Self(1007);
    /// Not allowed; do not retry unchanged.
    pub const POLICY: Self = Self(1008);
    /// A message was too long.
    pub const TOO_LONG: Self = Self(1009);
    /// Our fault.
    pub const INTERNAL: Self = Self(1011);
    /// A binary message where only text is allowed.
    pub const NO_BINARY: Self = Self(1003);
    /// Too much to do: retry later.
    pub const OVERLOADED: Self = Self(1013);
    /// The gateway restarts.
    pub const RESTART: Self = Self(1012);
    /// The token of the session has ended: come back with a new one, and with your cursor.
    pub const UNAUTHORIZED: Self = Self(4001);
    /// The peer stalled, or fell behind what the log keeps.
    pub const STALLED: Self = Self(4010);
    /// Never sent: in metrics, a session whose peer gave no code (RFC 6455, section 7.4.1).
    pub const NO_STATUS: Self = Self(1005);
    /// Never sent: in metrics, a session that ended without a close frame (RFC 6455, section
    /// 7.4.1).
    pub const ABNORMAL: Self = Self(1006);

    /// Never sent: any other code, in metrics.
    const OTHER: Self = Self(0);

    /// A code that a peer sent; none where no endpoint may send it (RFC 6455, section 7.4).
    pub const fn received(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether the session ends in good order: what waits is still sent before the close frame, and
    /// the peer's answer is awaited. After a fault of the peer neither makes sense (RFC 6455,
    /// section 7.1.7).
    pub const fn is_orderly(self) -> bool {
        matches!(self, Self::NORMAL | Self::RESTART)
    }
}

/// The codes that sessions end with. Clients may send any of 2,000 codes of their own: those share
/// the last series.
impl Label for CloseCode {
    const KEY: &'static str = "code";
    const ALL: &'static [Self] = &[
        Self::NORMAL,
        Self::GOING_AWAY,
        Self::PROTOCOL,
        Self::NO_BINARY,
        Self::NO_STATUS,
        Self::ABNORMAL,
        Self::NOT_TEXT,
        Self::POLICY,
        Self::TOO_LONG,
        Self::INTERNAL,
        Self::RESTART,
        Self::OVERLOADED,
        Self::UNAUTHORIZED,
        Self::STALLED,
        Self::OTHER,
    ];

    fn name(self) -> &'static str {
        match self.0 {
            1000 => "1000",
            1001 => "1001",
            1002 => "1002",
            1003 => "1003",
            1005 => "1005",
            1006 => "1006",
            1007 => "1007",
            1008 => "1008",
            1009 => "1009",
            1011 => "1011",
            1012 => "1012",
            1013 => "1013",
            4001 => "4001",
            4010 => "4010",
            _ => "other",
        }
    }

    fn index(self) -> usize {
        let known = Self::ALL.iter().position(|code| *code == self);
        known.unwrap_or(Self::ALL.len() - 1)
    }
}

impl Close {
    /// A code with a constant reason.
    pub const fn new(code: CloseCode, reason: &'static str) -> Self {
        Self {
            code,
            reason: Cow::Borrowed(reason),
        }
    }

    /// The client sends requests and does not take the answers.
    pub const ASKED_TOO_MUCH: Self = Self::new(
        CloseCode::POLICY,
        "too many messages, and their answers were not taken",
    );

    /// The token of the session has expired.
    pub const EXPIRED: Self = Self::new(CloseCode::UNAUTHORIZED, "expired");

    /// The key that verified the token of the session was withdrawn.
    pub const KEY_WITHDRAWN: Self = Self::new(CloseCode::UNAUTHORIZED, "key");

    /// The client sent too many tokens that were refused.
    pub const REFUSED_TOKENS: Self = Self::new(CloseCode::POLICY, "too many refused tokens");

    /// The gateway restarts: come back with your cursor after a random time up to `retry`.
    pub fn restart(retry: Duration) -> Self {
        Self {
            code: CloseCode::RESTART,
            reason: Cow::Owned(format!("retry-ms={}", retry.as_millis())),
        }
    }
}

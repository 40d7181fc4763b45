//! Why the server ends a session: the close codes of RFC 6455 that it uses, and its own.

use std::borrow::Cow;
use std::time::Duration;

use crate::telemetry::CloseLabel;

/// A close code that may stand on the wire.
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
    /// A binary message where only text is spoken.
    pub const NO_BINARY: Self = Self(1003);
    /// Too much to do: retry later.
    pub const OVERLOADED: Self = Self(1013);
    /// The gateway restarts.
    pub const RESTART: Self = Self(1012);
    /// The peer stalled, or fell behind what the log keeps.
    pub const STALLED: Self = Self(4010);
    /// Never sent: how a session is counted whose peer gave no code (RFC 6455, section 7.4.1).
    pub const NO_STATUS: Self = Self(1005);
    /// Never sent: how a session that ended without a close frame is counted (RFC 6455, section
    /// 7.4.1).
    pub const ABNORMAL: Self = Self(1006);

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

    /// How a session that ended with it is counted. Peers may send any of 2,000 codes of their own:
    /// those are one.
    pub const fn label(self) -> CloseLabel {
        match self.0 {
            1000 => CloseLabel::Normal,
            1001 => CloseLabel::GoingAway,
            1002 => CloseLabel::Protocol,
            1003 => CloseLabel::NoBinary,
            1005 => CloseLabel::NoStatus,
            1006 => CloseLabel::Abnormal,
            1007 => CloseLabel::NotText,
            1008 => CloseLabel::Policy,
            1009 => CloseLabel::TooLong,
            1011 => CloseLabel::Internal,
            1012 => CloseLabel::Restart,
            1013 => CloseLabel::Overloaded,
            4010 => CloseLabel::Stalled,
            _ => CloseLabel::Other,
        }
    }

    /// Whether the session ends in good order: what waits is still sent before the close frame, and
    /// the peer's answer is awaited. After a fault of the peer neither makes sense (RFC 6455,
    /// section 7.1.7).
    pub const fn is_orderly(self) -> bool {
        matches!(self, Self::NORMAL | Self::RESTART)
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

    /// The client goes on asking and does not take the answers.
    pub const ASKED_TOO_MUCH: Self = Self::new(
        CloseCode::POLICY,
        "too many messages, and their answers were not taken",
    );

    /// The gateway restarts: come back with your cursor after a random time up to `retry`.
    pub fn restart(retry: Duration) -> Self {
        Self {
            code: CloseCode::RESTART,
            reason: Cow::Owned(format!("retry-ms={}", retry.as_millis())),
        }
    }
}

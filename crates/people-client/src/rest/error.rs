//! Why calls fail.

use super::base::BaseUrl;
use crate::disconnect::Refusal;
use crate::tls::TlsFault;
use crate::tokens::TokenError;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestError {
    /// No server could be reached, so nothing was done.
    #[error("cannot reach {base}: {reason}")]
    Unreachable {
        /// The gateway's address.
        base: String,
        /// The reason.
        reason: String,
    },
    /// The TLS handshake failed, so nothing was done.
    #[error("cannot reach {base}: {fault}")]
    Tls {
        /// The gateway's address.
        base: String,
        /// The fault.
        fault: TlsFault,
    },
    /// The client's source has no token, so nothing was sent.
    #[error("{0}")]
    NoToken(#[from] TokenError),
    /// The request was sent, but no complete answer arrived. The gateway may have carried it out.
    #[error("{base} did not answer: {reason}")]
    Cut {
        /// The gateway's address.
        base: String,
        /// The reason.
        reason: String,
    },
    /// The gateway refused the call.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The server is not a gateway.
    #[error("{base} is not a People Gateway: {reason}")]
    NoGateway {
        /// The server's address.
        base: String,
        /// What is wrong with its answer.
        reason: String,
    },
}

impl RestError {
    /// The error of the HTTP library, with its innermost message: the outer ones repeat the URL.
    pub(super) fn of(error: &reqwest::Error, base: &BaseUrl) -> Self {
        let mut innermost: &(dyn std::error::Error + 'static) = error;
        let (mut is_http, mut is_silent) = (true, false);
        while let Some(source) = innermost.source() {
            innermost = source;
            let hyper = innermost.downcast_ref::<hyper::Error>();
            is_http &= !hyper.is_some_and(hyper::Error::is_parse);
            is_silent |= hyper.is_some_and(hyper::Error::is_incomplete_message);
        }
        if let Some(fault) = TlsFault::behind(error) {
            return Self::Tls {
                base: base.to_string(),
                fault,
            };
        }
        if !is_http {
            let hint = if base.is_secure() {
                ""
            } else {
                "; if it speaks TLS, its address begins with https://"
            };
            return Self::no_gateway(base, format!("its answer is not HTTP{hint}"));
        }
        let reason = if error.is_timeout() {
            "it took too long".to_owned()
        } else if is_silent && !base.is_secure() {
            format!("{innermost}; if the port speaks TLS, the address begins with https://")
        } else {
            innermost.to_string()
        };
        let base = base.to_string();
        if error.is_connect() {
            Self::Unreachable { base, reason }
        } else {
            Self::Cut { base, reason }
        }
    }

    /// The server speaks HTTP, but is not a gateway.
    pub(super) fn no_gateway(base: &BaseUrl, reason: String) -> Self {
        Self::NoGateway {
            base: base.to_string(),
            reason,
        }
    }

    /// The refusal, if the gateway refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        if let Self::Refused(refusal) = self {
            Some(refusal)
        } else {
            None
        }
    }

    /// The status of a refusal.
    pub fn status(&self) -> Option<u16> {
        self.refusal().map(|refusal| refusal.status)
    }
}

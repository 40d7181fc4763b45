//! Why a call had no good answer.

use super::BaseUrl;
use super::answer::no_gateway;
use crate::loss::Refusal;
use crate::tls::TlsFault;

/// Why a call had no good answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestError {
    /// Nobody could be reached, so nothing was done.
    #[error("cannot reach {base}: {reason}")]
    Unreachable {
        /// Where the gateway was looked for.
        base: String,
        /// Why it was not found.
        reason: String,
    },
    /// Who was reached is not trusted, or does not speak TLS, so nothing was done.
    #[error("cannot reach {base}: {fault}")]
    Tls {
        /// Where the gateway was looked for.
        base: String,
        /// What is wrong with its TLS.
        fault: TlsFault,
    },
    /// The request was sent and no whole answer came: what was asked for may have been done.
    #[error("{base} did not answer: {reason}")]
    Cut {
        /// Whom we asked.
        base: String,
        /// What came instead.
        reason: String,
    },
    /// The answer is a refusal.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// What answers is no gateway.
    #[error("{base} is no People Gateway: {reason}")]
    NoGateway {
        /// Who answered.
        base: String,
        /// What is wrong with the answer.
        reason: String,
    },
}

impl RestError {
    /// What the library says, in its innermost words: the outer ones repeat the URL.
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
            return no_gateway(base, format!("its answer is not HTTP{hint}"));
        }
        let reason = if error.is_timeout() {
            "it took too long".to_owned()
        } else if is_silent && !base.is_secure() {
            format!(
                "{innermost}, as a port for TLS does it, where the address begins with https://"
            )
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

    /// The refusal, if there is one.
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

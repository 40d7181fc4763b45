//! Why a node or a sentinel gave no map.

use ::redis::RedisError;

use crate::store::redis::error::{distrust, doubts_tls};

/// Why one of those who were asked gave no answer.
#[derive(Debug)]
pub(super) struct PeerFault {
    pub(super) why: String,
    pub(super) remedy: Option<Remedy>,
}

/// What an operator has to change before there can be an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// The password.
    Password,
    /// The certificate, or the authorities that are trusted. The fault says which.
    Certificate,
}

impl PeerFault {
    /// An error of a connection that speaks TLS, or does not.
    pub(super) fn of(error: &RedisError, speaks_tls: bool) -> Self {
        if let Some(why) = distrust(error) {
            let remedy = Some(Remedy::Certificate);
            return Self { why, remedy };
        }
        let fault = Self::from(error.to_string());
        if doubts_tls(error, speaks_tls) {
            return fault.in_doubt_of_tls(speaks_tls);
        }
        fault
    }

    /// The same, where the port may be one for the other transport.
    pub(super) fn in_doubt_of_tls(self, speaks_tls: bool) -> Self {
        let doubt = if speaks_tls {
            "does this port speak TLS? It was asked with TLS"
        } else {
            "does this port speak TLS? It was asked without"
        };
        let why = format!(
            "{}; {doubt}, as store.url and store.sentinel.tls say",
            self.why
        );
        Self { why, ..self }
    }
}

/// What a server said instead of an answer.
impl From<String> for PeerFault {
    fn from(why: String) -> Self {
        let is_about_password = why.contains("NOAUTH") || why.contains("WRONGPASS");
        let remedy = is_about_password.then_some(Remedy::Password);
        Self { why, remedy }
    }
}

//! The tokens of callers (JWT, RFC 7519) are verified and become rights.
//!
//! `compact` divides a token, `keys` has what verifies it, `fetched` gets keys from a URL, `jws`
//! alone calls the libraries of cryptography, `claims` judges what a signed token says.
//! [`Authenticator`] runs them in order.

mod algorithm;
mod authenticator;
mod claims;
mod compact;
mod fault;
mod fetched;
mod jws;
mod keys;
mod metrics;
mod options;
mod source;

pub use algorithm::Algorithm;
pub use authenticator::Authenticator;
pub use claims::is_subject;
pub use compact::shown_kid;
pub use fault::{TokenFault, TokenFaultReason, TokenOutcome, VerifyError};
pub use fetched::{FetchOptions, FetchedKeys, InvalidKeyUrl, KeyUrl};
pub use keys::{
    InvalidKey, KeyFault, KeyFileError, KeySet, PrivateKeys, PrivateKeysError, read_keys,
};
pub use metrics::{KeyFetchOutcome, Metrics};
pub use options::{ClaimPath, InvalidClaimPath, Options};
pub use source::KeySource;

/// The longest token, in bytes: more than proxies let pass in one header.
pub const TOKEN_BYTES_MAX: usize = 8192;

//! Tokens for gateways with `auth.mode = "jwt"`: their source, and the header that carries them.
//!
//! A token is in no error and in no `Debug` text.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::header::HeaderValue;
use tokio::time::timeout;

/// A source of tokens. The clients ask it at each attempt to connect and at each call, so that it
/// can return a fresh token before the old one expires. A `String` is a source of one token.
///
/// ```
/// use people_client::{TokenError, Tokens};
///
/// struct TokenFile(std::path::PathBuf);
///
/// impl Tokens for TokenFile {
///     async fn token(&self) -> Result<String, TokenError> {
///         let text = std::fs::read_to_string(&self.0);
///         text.map(|text| text.trim().to_owned())
///             .map_err(|error| TokenError::Unavailable(error.to_string()))
///     }
/// }
/// ```
pub trait Tokens: Send + Sync {
    /// A token that is valid now. The client gives up after a time, and drops the future.
    fn token(&self) -> impl Future<Output = Result<String, TokenError>> + Send;
}

/// Why a client has no token. To a client it is a failed attempt: it asks again later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The source has none, for this reason. The reason must not contain a token.
    #[error("no token: {0}")]
    Unavailable(String),
    /// The source did not answer within this time.
    #[error("no token: its source did not answer within {} s", .0.as_secs_f64())]
    Late(Duration),
    /// The text of the source is not a token (RFC 6750, section 2.1).
    #[error("the token cannot be sent: it is empty, or has characters that no token has")]
    Malformed,
}

/// The source of a client's tokens.
#[derive(Clone)]
pub(crate) struct TokenSource(Arc<dyn BoxedTokens>);

/// [`Tokens`] as a trait object.
trait BoxedTokens: Send + Sync {
    fn boxed(&self) -> BoxFuture<'_, Result<String, TokenError>>;
}

impl Tokens for String {
    async fn token(&self) -> Result<String, TokenError> {
        Ok(self.clone())
    }
}

impl<T: Tokens> Tokens for Arc<T> {
    fn token(&self) -> impl Future<Output = Result<String, TokenError>> + Send {
        T::token(self)
    }
}

impl<T: Tokens> BoxedTokens for T {
    fn boxed(&self) -> BoxFuture<'_, Result<String, TokenError>> {
        self.token().boxed()
    }
}

impl TokenSource {
    pub(crate) fn new(tokens: impl Tokens + 'static) -> Self {
        Self(Arc::new(tokens))
    }

    /// Asks for a token. Returns the value of the header `Authorization`.
    pub(crate) async fn authorization(&self, limit: Duration) -> Result<HeaderValue, TokenError> {
        let token = timeout(limit, self.0.boxed()).await;
        let token = token.map_err(|_| TokenError::Late(limit))??;
        if token.is_empty() || !token.bytes().all(is_of_token) {
            return Err(TokenError::Malformed);
        }
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let mut value = value.expect("a token has only visible characters of ASCII");
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Whether a token may have this character: `b64token` of RFC 6750, section 2.1.
const fn is_of_token(character: u8) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(character, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}

/// Hides the source, which may hold a token.
impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    struct Silent;

    impl Tokens for Silent {
        fn token(&self) -> impl Future<Output = Result<String, TokenError>> + Send {
            pending()
        }
    }

    async fn header(token: &str) -> Result<HeaderValue, TokenError> {
        let source = TokenSource::new(Arc::new(token.to_owned()));
        assert!(!format!("{source:?}").contains("secret"));
        source.authorization(LIMIT).await
    }

    #[tokio::test]
    async fn the_header_has_the_token_and_hides_it() {
        let value = header("secret-._~+/09AZ==").await.expect("a token");
        assert_eq!(value, "Bearer secret-._~+/09AZ==");
        assert!(!format!("{value:?}").contains("secret"), "{value:?}");
    }

    #[tokio::test]
    async fn a_text_that_is_no_token_is_refused_and_not_shown() {
        for text in [
            "",
            " ",
            "secret\n",
            "secret secret",
            "secret,",
            "secret\r\nx: y",
            "secrét",
        ] {
            let error = header(text).await.expect_err("no token");
            assert_eq!(error, TokenError::Malformed);
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_source_has_a_deadline() {
        let late = TokenSource::new(Silent).authorization(LIMIT).await;
        assert_eq!(late, Err(TokenError::Late(LIMIT)));
    }
}

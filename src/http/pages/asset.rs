//! One file as it is served: its type, its entity tag, and the headers that keep a page to itself.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use sha2::{Digest, Sha256};

use crate::http::entity_tag;

/// A page loads what comes from its own host, and nothing else; it is shown in no frame. Scripts and styles are files.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A file of the program.
pub(super) struct Asset {
    media: &'static str,
    bytes: Bytes,
    /// Half of the file's SHA-256, in hex, without its quotes.
    tag: String,
}

impl Asset {
    /// A file of this type.
    pub(super) fn new(media: &'static str, bytes: Bytes) -> Self {
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        let (half, _) = hash.split_first_chunk().expect("a half is shorter than the whole");
        let tag = format!("{:032x}", u128::from_be_bytes(*half));
        Self { media, bytes, tag }
    }

    /// The file, or 304 where the caller has it. It may be kept, and is asked for each time: another version of the
    /// program may answer.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let known = entity_tag::is_known(headers, &self.tag);
        let mut response = Response::new(if known { Body::empty() } else { Body::from(self.bytes.clone()) });
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let tag = HeaderValue::try_from(format!("\"{}\"", self.tag)).expect("hex digits are visible ASCII");
        response.headers_mut().extend([
            (header::CONTENT_TYPE, HeaderValue::from_static(self.media)),
            (header::ETAG, tag),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
        ]);
        response
    }
}

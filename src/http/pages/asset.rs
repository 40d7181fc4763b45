//! One file as it is served: its type, its entity tag, compressed or not, and the headers that keep
//! a page to itself.

use std::io::Write as _;
use std::sync::OnceLock;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::http::{entity_tag, media};

/// A page loads what comes from its own host, and nothing else; it is shown in no frame. Scripts
/// and styles are files.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A file of the program.
pub(super) struct Asset {
    media: &'static str,
    plain: Form,
    /// Made when it is first asked for; none where it would be no shorter.
    gzip: OnceLock<Option<Form>>,
}

/// A file as its bytes are sent. Each form has a tag of its own: to a cache they are two things.
struct Form {
    bytes: Bytes,
    /// Half of the file's SHA-256 in hex, and the coding; without its quotes.
    tag: String,
}

impl Asset {
    /// A file of this type.
    pub(super) fn new(media: &'static str, bytes: Bytes) -> Self {
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        let (half, _) = hash
            .split_first_chunk()
            .expect("a half is shorter than the whole");
        let tag = format!("{:032x}", u128::from_be_bytes(*half));
        Self {
            media,
            plain: Form { bytes, tag },
            gzip: OnceLock::new(),
        }
    }

    /// The file in the form that the caller takes, or 304 where the caller has it. It may be kept,
    /// and is asked for each time: another version of the program may answer.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let gzip = if media::takes_gzip(headers) {
            self.gzip()
        } else {
            None
        };
        let form = gzip.unwrap_or(&self.plain);
        let known = entity_tag::is_known(headers, &form.tag);
        let mut response = Response::new(if known {
            Body::empty()
        } else {
            Body::from(form.bytes.clone())
        });
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else if gzip.is_some() {
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let tag = HeaderValue::try_from(format!("\"{}\"", form.tag))
            .expect("hex digits are visible ASCII");
        response.headers_mut().extend([
            (header::CONTENT_TYPE, HeaderValue::from_static(self.media)),
            (header::ETAG, tag),
            (header::VARY, HeaderValue::from_static("Accept-Encoding")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (
                header::REFERRER_POLICY,
                HeaderValue::from_static("no-referrer"),
            ),
            (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
        ]);
        response
    }

    fn gzip(&self) -> Option<&Form> {
        let compress = || {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            let compressed = encoder
                .write_all(&self.plain.bytes)
                .and_then(|()| encoder.finish());
            let bytes = Bytes::from(compressed.expect("memory takes what is written"));
            let shorter = bytes.len() < self.plain.bytes.len();
            shorter.then(|| Form {
                bytes,
                tag: format!("{}-gzip", self.plain.tag),
            })
        };
        self.gzip.get_or_init(compress).as_ref()
    }
}

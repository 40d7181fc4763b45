//! One file as it is served: its media type, entity tag and compressed form, and the headers that
//! isolate a page.

use std::io::Write as _;
use std::sync::OnceLock;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::http::request::{entity_tag, media};

/// A page loads files of its own host only, and no frame may show it. Scripts and styles are files.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A file that is part of the program.
pub(super) struct Asset {
    media: &'static str,
    plain: Representation,
    /// Made at the first request for it; none where it would not be shorter.
    gzip: OnceLock<Option<Representation>>,
}

/// A file in one content coding (RFC 9110, section 3.2). Caches tell the two apart by their tags.
struct Representation {
    bytes: Bytes,
    /// The first half of the file's SHA-256 in hex, and the coding; without quotes.
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
            plain: Representation { bytes, tag },
            gzip: OnceLock::new(),
        }
    }

    /// The file in a coding that the caller accepts, or 304 where the caller has it. Caches must
    /// revalidate each time, because another version of the program may answer.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let gzip = if media::accepts_gzip(headers) {
            self.gzip()
        } else {
            None
        };
        let representation = gzip.unwrap_or(&self.plain);
        let known = entity_tag::is_known(headers, &representation.tag);
        let mut response = Response::new(if known {
            Body::empty()
        } else {
            Body::from(representation.bytes.clone())
        });
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else if gzip.is_some() {
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let tag = HeaderValue::try_from(format!("\"{}\"", representation.tag))
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

    fn gzip(&self) -> Option<&Representation> {
        let compress = || {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            let compressed = encoder
                .write_all(&self.plain.bytes)
                .and_then(|()| encoder.finish());
            let bytes = Bytes::from(compressed.expect("a write to memory does not fail"));
            let shorter = bytes.len() < self.plain.bytes.len();
            shorter.then(|| Representation {
                bytes,
                tag: format!("{}-gzip", self.plain.tag),
            })
        };
        self.gzip.get_or_init(compress).as_ref()
    }
}

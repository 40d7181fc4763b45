//! The headers of answers.

use serde_json::json;
use utoipa::openapi::header::{Header, HeaderBuilder};

use super::call::shape;
use super::examples;
use super::schemas::string;

/// By name.
pub(super) fn all() -> Vec<(&'static str, Header)> {
    let header = |text: &str, pattern: Option<&str>, example: &str| {
        let schema = string(text, pattern);
        HeaderBuilder::new().description(Some(text)).schema(Some(schema)).example(Some(json!(example))).build()
    };
    let position = HeaderBuilder::new()
        .description(Some("Where the change stands: a stream that has passed it has shown it."))
        .schema(Some(shape("At")))
        .example(Some(json!(examples::AT)))
        .build();
    let location = format!("people/{}", examples::ID);
    let next = format!("<?limit=100&after={}>; rel=\"next\"", examples::ID);
    let tag = format!("\"{}\"", examples::REVISION);
    vec![
        ("ETag", header("The version, for `If-Match` and `If-None-Match`.", Some("^\"[^\"]+\"$"), &tag)),
        ("Location", header("The new person, relative to the call.", Some("^(people/)?[0-9a-f-]{36}$"), &location)),
        ("Change-Position", position),
        (
            "Idempotency-Replayed",
            header("The answer is that of an earlier request with this key.", Some("^true$"), "true"),
        ),
        ("Link", header("The next page; missing on the last one.", Some("^<[^>]+>; rel=\"next\"$"), &next)),
        ("Vary", header("What the answer depends on.", None, "Accept")),
        ("Cache-Control", header("Whether it may be kept.", None, "no-cache")),
        ("Retry-After", header("Try again after so many seconds.", Some("^[0-9]+$"), "1")),
        ("Accept-Post", header("The types that are taken.", None, "application/json")),
        ("Accept-Patch", header("The types that are taken.", None, "application/merge-patch+json, application/json")),
        (
            "Content-Security-Policy",
            header("A page loads from its own host only.", None, "default-src 'none'; script-src 'self'"),
        ),
    ]
}

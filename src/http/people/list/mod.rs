//! `GET /people`: everyone in id order, streamed, or a page of them.
//!
//! The partitions are merged page by page, so that memory is bounded whatever the number of people.
//! The list is not one instant: each person once, as it was at some moment of the call.

mod body;
mod merge;

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderValue, Uri, header};
use axum::response::Response;

use crate::domain::PersonId;
use crate::filter::Filter;
use crate::http::media::ListFormat;
use crate::http::query::Parameters;
use crate::http::{Shared, live};
use crate::protocol::problem::{Problem, ProblemKind};
use crate::store::{Store, StoreError};
use body::{List, Writer};
use merge::Merge;

const PARAMETERS: &[&str] = &["where", "limit", "after"];
const LIMITS: std::ops::RangeInclusive<usize> = 1..=1000;
/// Bytes of a page that are kept until all of it is known.
const KEPT_BYTES: usize = 96 * 1024;

/// What a caller wants to see.
struct Wanted {
    filter: Filter,
    limit: Option<usize>,
    after: Option<PersonId>,
    format: ListFormat,
}

/// A page of the list, and the last id on it where others follow.
struct Page {
    body: Body,
    next: Option<PersonId>,
}

/// Whom the rest of a page shows, and the last of them where others follow.
struct Ids {
    ids: VecDeque<PersonId>,
    next: Option<PersonId>,
}

/// `GET /people`: a list, or live updates where those are asked for.
pub(in crate::http) async fn list(
    Extract(state): Extract<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    let (format, media) = ListFormat::accepted(request.headers());
    if format == ListFormat::Events || live::is_upgrade(&request) {
        return live::open(&state, request).await;
    }
    let wanted = Wanted::of(request.uri(), format)?;
    let store = Arc::clone(state.store.get()?);
    // The first pages are read before the answer begins, so that a store that is down is told as
    // 503.
    let page = if let Some(limit) = wanted.limit {
        page(&state, store, &wanted, limit).await?
    } else {
        let merge = wanted.people_after(&state, store, wanted.after).await?;
        Page {
            body: Body::from_stream(List::all(merge).pieces(Writer::new(format))),
            next: None,
        }
    };
    let mut response = Response::new(page.body);
    if let Some(last) = page.next {
        response
            .headers_mut()
            .insert(header::LINK, next_link(request.uri(), last));
    }
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

impl Wanted {
    /// Those who match after an id.
    async fn people_after(
        &self,
        state: &Shared,
        store: Arc<dyn Store>,
        after: Option<PersonId>,
    ) -> Result<Merge, StoreError> {
        // A filter may pass over many before it finds so few.
        let most = self
            .limit
            .filter(|_| self.filter.is_everyone())
            .map_or(usize::MAX, |limit| limit + 1);
        Merge::open(
            store,
            self.filter.clone(),
            after,
            state.options.list_buffer_people,
            most,
        )
        .await
    }

    /// The ids of the first `most` of them.
    async fn ids_after(
        &self,
        state: &Shared,
        store: &Arc<dyn Store>,
        after: Option<PersonId>,
        most: usize,
    ) -> Result<Ids, StoreError> {
        let mut ids = if self.filter.is_everyone() {
            merge::ids_after(store, after, NonZeroUsize::MIN.saturating_add(most)).await?
        } else {
            let mut merge = self.people_after(state, Arc::clone(store), after).await?;
            let mut ids = Vec::new();
            while ids.len() <= most
                && let Some(row) = merge.next().await?
            {
                ids.push(row.id);
            }
            ids
        };
        let has_more = ids.len() > most;
        ids.truncate(most);
        Ok(Ids {
            next: ids.last().copied().filter(|_| has_more),
            ids: ids.into(),
        })
    }

    fn of(uri: &Uri, format: ListFormat) -> Result<Self, Problem> {
        let parameters = Parameters::parse(uri.query(), PARAMETERS)?;
        let filter = Filter::parse(parameters.get("where").unwrap_or_default())?;
        let malformed = |detail: String| Problem::new(ProblemKind::Malformed, detail);
        let limit = match parameters.get("limit") {
            None => None,
            Some(text) => Some(
                integer(text)
                    .filter(|limit| LIMITS.contains(limit))
                    .ok_or_else(|| {
                        malformed(format!(
                            "limit must be an integer from {} to {}.",
                            LIMITS.start(),
                            LIMITS.end()
                        ))
                    })?,
            ),
        };
        let after = parameters.get("after").map(str::parse).transpose();
        let after = after.map_err(|error| {
            malformed(format!("after must be the last id that you have: {error}."))
        })?;
        Ok(Self {
            filter,
            limit,
            after,
            format,
        })
    }
}

/// Up to `limit` people. Of a long page only the beginning is kept until it is known whom the page
/// shows and whether others follow; the rest is read while it is sent.
async fn page(
    state: &Shared,
    store: Arc<dyn Store>,
    wanted: &Wanted,
    limit: usize,
) -> Result<Page, Problem> {
    let mut merge = wanted
        .people_after(state, Arc::clone(&store), wanted.after)
        .await?;
    let (mut written, mut last, mut left) = (Writer::new(wanted.format), None, limit);
    while let Some(row) = merge.next().await? {
        if left == 0 {
            return Ok(Page {
                body: Body::from(written.end()),
                next: last,
            });
        }
        if written.len() + row.json.len() > KEPT_BYTES {
            drop(merge);
            let rest = wanted
                .ids_after(state, &store, last.or(wanted.after), left)
                .await?;
            let merge = wanted
                .people_after(state, store, last.or(wanted.after))
                .await?;
            return Ok(Page {
                next: rest.next,
                body: Body::from_stream(List::only(merge, rest.ids).pieces(written)),
            });
        }
        written.person(&row);
        (last, left) = (Some(row.id), left - 1);
    }
    Ok(Page {
        body: Body::from(written.end()),
        next: None,
    })
}

/// The same call, after the last id shown: relative to the call, so that a proxy may put it below
/// any path.
fn next_link(uri: &Uri, last: PersonId) -> HeaderValue {
    let is_after =
        |part: &str| form_urlencoded::parse(part.as_bytes()).any(|(name, _)| name == "after");
    let kept = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|part| !part.is_empty() && !is_after(part));
    let query: String = kept.flat_map(|part| [part, "&"]).collect();
    HeaderValue::try_from(format!("<?{query}after={last}>; rel=\"next\""))
        .expect("a URI's parts and an id are visible ASCII")
}

/// Digits alone: `+` would be a blank that was not encoded.
fn integer(text: &str) -> Option<usize> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

//! `GET /people`: all people in id order, streamed, or a page of them.
//!
//! The partitions are merged page by page, so that memory is bounded for any number of people. The
//! list is not a snapshot: it has each person once, as it was at some moment of the call.

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
use crate::http::caller::Caller;
use crate::http::caller::head::CallHead;
use crate::http::refusal::malformed;
use crate::http::request::media::ListFormat;
use crate::http::request::projection::projection;
use crate::http::request::query::{self, Parameters};
use crate::http::{SharedState, live};
use crate::protocol::problem::Problem;
use crate::rights::Verb;
use crate::store::{Store, StoreError};
use body::{ListStream, ListWriter};
use merge::{Merge, VisiblePeople};

const PARAMETERS: &[&str] = &["where", "fields", "limit", "after"];
const LIMITS: std::ops::RangeInclusive<usize> = 1..=1000;
/// Bytes of a page that are kept before the answer begins.
const KEPT_BYTES: usize = 96 * 1024;

/// The list that a caller asks for.
struct ListRequest {
    people: VisiblePeople,
    limit: Option<usize>,
    after: Option<PersonId>,
    format: ListFormat,
}

/// A page of the list; `next` is its last id where others follow.
struct ListPage {
    body: Body,
    next: Option<PersonId>,
}

/// The ids of the rest of a page; `next` is the last of them where others follow.
struct PageIds {
    ids: VecDeque<PersonId>,
    next: Option<PersonId>,
}

/// `GET /people`: a list, or live updates where the request asks for them.
pub(in crate::http) async fn list(
    Extract(state): Extract<SharedState>,
    request: Request,
) -> Result<Response, Problem> {
    let (format, media) = ListFormat::accepted(request.headers());
    if format == ListFormat::Events || live::is_upgrade(&request) {
        return live::open(&state, request).await;
    }
    let caller = Caller::of(&state, CallHead::of(&request)).await?;
    caller.may(Verb::Read)?;
    let list_request = ListRequest::of(&caller, request.uri(), format)?;
    let store = Arc::clone(state.store.get()?);
    // The first pages are read before the answer begins, so that a failing store is answered 503.
    let page = if let Some(limit) = list_request.limit {
        page(&state, &caller, store, &list_request, limit).await?
    } else {
        let merge = list_request
            .people_after(&state, store, list_request.after)
            .await?;
        let pieces = ListStream::all(merge).pieces(ListWriter::new(format));
        ListPage {
            body: Body::from_stream(caller.limit(pieces)),
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

impl ListRequest {
    /// The matching people after an id.
    async fn people_after(
        &self,
        state: &SharedState,
        store: Arc<dyn Store>,
        after: Option<PersonId>,
    ) -> Result<Merge, StoreError> {
        // A filter may skip many people before it finds as many as the limit.
        let most = self
            .limit
            .filter(|_| self.people.filter.is_everyone())
            .map_or(usize::MAX, |limit| limit + 1);
        Merge::open(
            store,
            self.people.clone(),
            after,
            state.options.list_buffer_people,
            most,
        )
        .await
    }

    /// The ids of the first `most` matching people after an id.
    async fn ids_after(
        &self,
        state: &SharedState,
        store: &Arc<dyn Store>,
        after: Option<PersonId>,
        most: usize,
    ) -> Result<PageIds, StoreError> {
        let mut ids = if self.people.filter.is_everyone() {
            merge::ids_after(store, after, NonZeroUsize::MIN.saturating_add(most)).await?
        } else {
            let mut merge = self.people_after(state, Arc::clone(store), after).await?;
            let mut ids = Vec::new();
            while ids.len() <= most
                && let Some(item) = merge.next().await?
            {
                ids.push(item.id);
            }
            ids
        };
        let has_more = ids.len() > most;
        ids.truncate(most);
        Ok(PageIds {
            next: ids.last().copied().filter(|_| has_more),
            ids: ids.into(),
        })
    }

    fn of(caller: &Caller, uri: &Uri, format: ListFormat) -> Result<Self, Problem> {
        let parameters = Parameters::parse(uri.query(), PARAMETERS)?;
        let scope = caller.scope().showing(projection(&parameters)?)?;
        let filter = scope.filter(parameters.get("where").unwrap_or_default())?;
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
            people: VisiblePeople { filter, scope },
            limit,
            after,
            format,
        })
    }
}

/// Up to `limit` people. Of a long page, only the beginning is kept while the ids of the rest are
/// read; the people of the rest are read again while they are sent.
async fn page(
    state: &SharedState,
    caller: &Caller,
    store: Arc<dyn Store>,
    request: &ListRequest,
    limit: usize,
) -> Result<ListPage, Problem> {
    let mut merge = request
        .people_after(state, Arc::clone(&store), request.after)
        .await?;
    let (mut written, mut last, mut left) = (ListWriter::new(request.format), None, limit);
    while let Some(item) = merge.next().await? {
        if left == 0 {
            return Ok(ListPage {
                body: Body::from(written.end()),
                next: last,
            });
        }
        if written.len() + item.json.len() > KEPT_BYTES {
            drop(merge);
            let after = last.or(request.after);
            let rest = request.ids_after(state, &store, after, left).await?;
            let merge = request.people_after(state, store, after).await?;
            let pieces = ListStream::only(merge, rest.ids).pieces(written);
            return Ok(ListPage {
                next: rest.next,
                body: Body::from_stream(caller.limit(pieces)),
            });
        }
        written.person(&item);
        (last, left) = (Some(item.id), left - 1);
    }
    Ok(ListPage {
        body: Body::from(written.end()),
        next: None,
    })
}

/// The same call after the last id of this page. The link is relative, so that a proxy may put the
/// gateway below any path.
fn next_link(uri: &Uri, last: PersonId) -> HeaderValue {
    let kept = query::without(uri.query().unwrap_or_default(), "after");
    let query: String = kept.flat_map(|part| [part, "&"]).collect();
    HeaderValue::try_from(format!("<?{query}after={last}>; rel=\"next\""))
        .expect("a URI's parts and an id are visible ASCII")
}

/// Reads digits only: a `+` would be a blank that the client did not encode.
fn integer(text: &str) -> Option<usize> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

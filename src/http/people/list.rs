//! `GET /people`: everyone in id order, streamed, or a page of them.
//!
//! The partitions are merged page by page, so that memory is bounded whatever the number of people. The list is not one
//! instant: each person once, as it was at some moment of the call.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderValue, Uri, header};
use axum::response::Response;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::domain::{Partition, Person, PersonId};
use crate::filter::Filter;
use crate::http::media::Dress;
use crate::http::query::Parameters;
use crate::http::{Shared, live};
use crate::hub;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::store::{Store, StoreError};

const PARAMETERS: &[&str] = &["where", "limit", "after"];
const LIMITS: std::ops::RangeInclusive<usize> = 1..=1000;
/// Bytes after which a piece of the list is sent.
const PIECE_BYTES: usize = 32 * 1024;
/// People read at a time from one partition, at most and (however many partitions share the buffer) at least.
const PAGE_MAX: usize = 256;
const PAGE_MIN: usize = 8;
/// Partitions whose first pages are read at the same time.
const OPENING: usize = 16;

/// What a caller wants to see.
struct Wanted {
    filter: Filter,
    limit: Option<usize>,
    after: Option<PersonId>,
    dress: Dress,
}

/// `GET /people`: a list, or live updates where those are asked for.
pub(in crate::http) async fn list(Extract(state): Extract<Shared>, request: Request) -> Result<Response, Problem> {
    let (dress, media) = Dress::accepted(request.headers());
    if dress == Dress::Events || live::is_upgrade(&request) {
        return live::open(&state, request).await;
    }
    let wanted = Wanted::of(request.uri(), dress)?;
    let store = Arc::clone(state.store.get()?);
    let share = state.options.list_buffer_people.get() / usize::from(store.partitions().get());
    let mut page = share.clamp(PAGE_MIN, PAGE_MAX);
    // A filter may pass over many before it finds so few.
    if let Some(limit) = wanted.limit.filter(|_| wanted.filter.is_everyone()) {
        page = page.min(limit + 1);
    }
    let page = NonZeroUsize::new(page).unwrap_or(NonZeroUsize::MIN);
    // The first pages are read before the answer begins, so that a store that is down is told as 503.
    let merge = Merge::open(store, wanted.filter, wanted.after, page).await?;
    let mut response = match wanted.limit {
        Some(limit) => one_page(merge, limit, wanted.dress, request.uri()).await?,
        None => Response::new(Body::from_stream(pieces(merge, wanted.dress))),
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

impl Wanted {
    fn of(uri: &Uri, dress: Dress) -> Result<Self, Problem> {
        let parameters = Parameters::parse(uri.query(), PARAMETERS)?;
        let filter = Filter::parse(parameters.get("where").unwrap_or_default())?;
        let malformed = |detail: String| Problem::new(ProblemKind::Malformed, detail);
        let limit = match parameters.get("limit") {
            None => None,
            Some(text) => Some(integer(text).filter(|limit| LIMITS.contains(limit)).ok_or_else(|| {
                malformed(format!("limit must be an integer from {} to {}.", LIMITS.start(), LIMITS.end()))
            })?),
        };
        let after = parameters.get("after").map(str::parse).transpose();
        let after = after.map_err(|error| malformed(format!("after must be the last id that you have: {error}.")))?;
        Ok(Self { filter, limit, after, dress })
    }
}

/// Up to `limit` people, with a link to the next ones if there are any.
async fn one_page(mut merge: Merge, limit: usize, dress: Dress, uri: &Uri) -> Result<Response, Problem> {
    let mut text = Writer::new(dress);
    let mut last = None;
    for _ in 0..limit {
        let Some(person) = merge.next().await? else { break };
        text.person(&person);
        last = Some(person.id);
    }
    let more = merge.next().await?.is_some();
    text.end();
    let mut response = Response::new(Body::from(text.out));
    if let (true, Some(last)) = (more, last) {
        response.headers_mut().insert(header::LINK, next_link(uri, last));
    }
    Ok(response)
}

/// The same call, after the last id shown: relative to the call, so that a proxy may put it below any path.
fn next_link(uri: &Uri, last: PersonId) -> HeaderValue {
    let is_after = |part: &str| form_urlencoded::parse(part.as_bytes()).any(|(name, _)| name == "after");
    let kept = uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty() && !is_after(part));
    let query: String = kept.flat_map(|part| [part, "&"]).collect();
    HeaderValue::try_from(format!("<?{query}after={last}>; rel=\"next\""))
        .expect("a URI's parts and an id are visible ASCII")
}

/// The list in pieces. A store that fails midway ends the stream with an error, which cuts the connection: half a list
/// must not parse.
fn pieces(merge: Merge, dress: Dress) -> impl stream::Stream<Item = Result<Bytes, StoreError>> + Send {
    stream::try_unfold(Some((merge, Writer::new(dress))), async |state| {
        let Some((mut merge, mut writer)) = state else { return Ok(None) };
        while writer.out.len() < PIECE_BYTES {
            match merge.next().await {
                Ok(Some(person)) => writer.person(&person),
                Ok(None) => {
                    writer.end();
                    return Ok(Some((Bytes::from(writer.out), None)));
                }
                Err(error) => {
                    tracing::warn!(%error, "a list was cut: the store failed midway");
                    return Err(error);
                }
            }
        }
        let piece = Bytes::from(std::mem::take(&mut writer.out));
        Ok(Some((piece, Some((merge, writer)))))
    })
}

/// Writes people as an array or as lines.
struct Writer {
    dress: Dress,
    first: bool,
    out: String,
}

impl Writer {
    fn new(dress: Dress) -> Self {
        Self { dress, first: true, out: String::new() }
    }

    fn person(&mut self, person: &Person) {
        if self.dress == Dress::Array {
            self.out.push(if self.first { '[' } else { ',' });
        }
        self.first = false;
        person.write_json(&mut self.out);
        if self.dress == Dress::Lines {
            self.out.push('\n');
        }
    }

    fn end(&mut self) {
        if self.dress == Dress::Array {
            self.out.push_str(if self.first { "[]\n" } else { "]\n" });
        }
    }
}

/// Digits alone: `+` would be a blank that was not encoded.
fn integer(text: &str) -> Option<usize> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// All partitions' people who match, in id order.
struct Merge {
    store: Arc<dyn Store>,
    filter: Filter,
    page: NonZeroUsize,
    lanes: Vec<Lane>,
}

/// One partition's people: those who match, are read and not yet shown, and where to read on.
struct Lane {
    partition: Partition,
    people: VecDeque<Person>,
    after: Option<PersonId>,
    exhausted: bool,
}

impl Merge {
    async fn open(
        store: Arc<dyn Store>,
        filter: Filter,
        after: Option<PersonId>,
        page: NonZeroUsize,
    ) -> Result<Self, StoreError> {
        let opened = stream::iter(store.partitions().iter()).map(|partition| {
            let (store, filter) = (Arc::clone(&store), filter.clone());
            async move {
                let mut lane = Lane { partition, people: VecDeque::new(), after, exhausted: false };
                lane.read_on(store.as_ref(), &filter, page).await.map(|()| lane)
            }
        });
        let lanes = opened.buffered(OPENING).try_collect().await?;
        Ok(Self { store, filter, page, lanes })
    }

    /// The next person.
    async fn next(&mut self) -> Result<Option<Person>, StoreError> {
        for lane in &mut self.lanes {
            while lane.people.is_empty() && !lane.exhausted {
                lane.read_on(self.store.as_ref(), &self.filter, self.page).await?;
            }
        }
        let first = self.lanes.iter_mut().filter(|lane| !lane.people.is_empty()).min_by_key(|lane| lane.people[0].id);
        Ok(first.and_then(|lane| lane.people.pop_front()))
    }
}

impl Lane {
    /// Reads one page more; of it nobody may match.
    async fn read_on(&mut self, store: &dyn Store, filter: &Filter, page: NonZeroUsize) -> Result<(), StoreError> {
        let page = store.page(self.partition, self.after, page).await?;
        self.exhausted = page.next.is_none();
        self.after = page.next;
        self.people = hub::matching(filter, &page.people).await.into_iter().cloned().collect();
        Ok(())
    }
}

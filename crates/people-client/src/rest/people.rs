//! The calls on people.

use std::str::FromStr;
use std::time::Duration;

use people_core::{PersonId, Position};
use reqwest::header::{ACCEPT, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde::Deserialize;
use uuid::Uuid;

use super::answer::{self, Answer};
use super::{BaseUrl, RestError, retry};
use crate::event::Problem;
use crate::loss::Refusal;
use crate::tls::{Tls, Trust};

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const NDJSON: &str = "application/x-ndjson";
/// For a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// For a whole answer; the slowest is that of an import, whose lines wait for the store.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// The REST of one gateway, or of several behind one address.
#[derive(Clone, Debug)]
pub struct Rest {
    base: BaseUrl,
    http: Client,
}

/// What `If-Match` demands of the person as it is: some revision, or any at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// There is such a person.
    Any,
    /// It has this revision.
    Revision(Position),
}

/// A text that is no revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the revision as `get` shows it, such as 3f2a.17.9c1e, or * for any")]
pub struct InvalidIfMatch;

/// What a save demands of the person before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is one.
    Present,
    /// There is none.
    Absent,
    /// There is this one.
    Match(IfMatch),
}

/// What tells a repeat from another write. A repeat of the same write has the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(Uuid);

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// A line of JSON a person, in id order, as the server wrote it.
    pub lines: String,
    /// There is more after the last of them.
    pub more: bool,
}

/// What became of an import's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// Lines that were refused, in their order.
    pub refused: Vec<RefusedLine>,
    /// Lines that were read. They can be fewer than were sent: after many refusals the server stops
    /// reading.
    pub lines: usize,
}

/// A line that was not saved.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RefusedLine {
    /// Its number in the request, from 1.
    pub line: usize,
    /// Why.
    pub problem: Problem,
}

impl Rest {
    /// The gateway there. It is reached directly: the proxies of the environment are for the world
    /// outside. Only `https://` needs anybody to be trusted.
    pub fn new(base: BaseUrl, trust: &Trust) -> Result<Self, RestError> {
        let client = Client::builder().no_proxy().redirect(Policy::none());
        let client = if base.is_secure() {
            let tls = Tls::new(trust).map_err(|fault| RestError::Tls {
                base: base.to_string(),
                fault,
            })?;
            client.tls_backend_preconfigured(tls.config())
        } else {
            // Otherwise it would read all certificates of the machine for nothing, and fail where
            // there are none.
            client.tls_certs_only([])
        };
        let client = client
            .connect_timeout(CONNECT_LIMIT)
            .timeout(ANSWER_LIMIT)
            .build();
        let http = client.map_err(|error| RestError::of(&error, &base))?;
        Ok(Self { base, http })
    }

    /// The person's JSON.
    pub async fn get(&self, id: PersonId) -> Result<String, RestError> {
        self.answer(self.person(Method::GET, id))
            .await
            .map(|answer| answer.text)
    }

    /// Saves a new person, who gets an id. The person's JSON.
    pub async fn create(&self, body: &str, key: IdempotencyKey) -> Result<String, RestError> {
        let request = self
            .http
            .post(self.base.at(&["people"]))
            .header(CONTENT_TYPE, JSON);
        self.answer(key.of(request).body(body.to_owned()))
            .await
            .map(|answer| answer.text)
    }

    /// Saves this person whole. The person's JSON.
    pub async fn replace(
        &self,
        id: PersonId,
        body: &str,
        expect: Expect,
        key: IdempotencyKey,
    ) -> Result<String, RestError> {
        let request = self
            .person(Method::PUT, id)
            .header(CONTENT_TYPE, JSON)
            .body(body.to_owned());
        let request = match expect {
            Expect::Present => request,
            Expect::Absent => request.header(IF_NONE_MATCH, "*"),
            Expect::Match(tag) => request.header(IF_MATCH, tag.header()),
        };
        self.answer(key.of(request)).await.map(|answer| answer.text)
    }

    /// Changes what the patch names (JSON Merge Patch, RFC 7396). The person's JSON.
    pub async fn merge(
        &self,
        id: PersonId,
        patch: &str,
        tag: Option<IfMatch>,
        key: IdempotencyKey,
    ) -> Result<String, RestError> {
        let request = self
            .person(Method::PATCH, id)
            .header(CONTENT_TYPE, MERGE_PATCH)
            .body(patch.to_owned());
        self.answer(key.of(matching(request, tag)))
            .await
            .map(|answer| answer.text)
    }

    /// Deletes the person.
    pub async fn delete(
        &self,
        id: PersonId,
        tag: Option<IfMatch>,
        key: IdempotencyKey,
    ) -> Result<(), RestError> {
        self.answer(key.of(matching(self.person(Method::DELETE, id), tag)))
            .await
            .map(drop)
    }

    /// The next `limit` people (1 to 1000) on whom the condition holds, after this one.
    pub async fn page(
        &self,
        condition: &str,
        after: Option<PersonId>,
        limit: u16,
    ) -> Result<Page, RestError> {
        let mut url = self.base.at(&["people"]);
        let mut query = url.query_pairs_mut();
        query.append_pair("limit", &limit.to_string());
        if !condition.is_empty() {
            query.append_pair("where", condition);
        }
        if let Some(after) = after {
            query.append_pair("after", &after.to_string());
        }
        drop(query);
        let Answer { text, more } = self
            .answer(self.http.get(url).header(ACCEPT, NDJSON))
            .await?;
        Ok(Page { lines: text, more })
    }

    /// Saves people, a line of JSON each. Lines that name their `id` may be sent again.
    pub async fn import(&self, lines: String) -> Result<ImportReport, RestError> {
        #[derive(Deserialize)]
        struct Total {
            lines: usize,
        }
        let request = self
            .http
            .post(self.base.at(&["people", "import"]))
            .header(CONTENT_TYPE, NDJSON)
            .body(lines);
        let answer = self.answer(request).await?;
        let strange = |error: serde_json::Error| {
            answer::no_gateway(&self.base, format!("its report: {error}"))
        };
        let text = answer.text.trim_end();
        let (refused, total) = text.rsplit_once('\n').unwrap_or(("", text));
        let refused = refused
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .map_err(strange)?;
        Ok(ImportReport {
            refused,
            lines: serde_json::from_str::<Total>(total).map_err(strange)?.lines,
        })
    }

    fn person(&self, method: Method, id: PersonId) -> RequestBuilder {
        self.http
            .request(method, self.base.at(&["people", &id.to_string()]))
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Answer, RestError> {
        let response = request
            .send()
            .await
            .map_err(|error| RestError::of(&error, &self.base))?;
        answer::read(response, &self.base).await
    }
}

impl IfMatch {
    fn header(self) -> String {
        match self {
            Self::Any => "*".to_owned(),
            Self::Revision(revision) => format!("\"{revision}\""),
        }
    }
}

impl FromStr for IfMatch {
    type Err = InvalidIfMatch;

    /// Takes a revision also in the quotes of an entity tag.
    fn from_str(text: &str) -> Result<Self, InvalidIfMatch> {
        let bare = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(text);
        if text == "*" {
            Ok(Self::Any)
        } else {
            bare.parse().map(Self::Revision).map_err(|_| InvalidIfMatch)
        }
    }
}

impl IdempotencyKey {
    /// A key that nobody has used.
    pub fn fresh() -> Self {
        Self(Uuid::new_v4())
    }

    fn of(self, request: RequestBuilder) -> RequestBuilder {
        request.header("idempotency-key", self.0.to_string())
    }
}

impl RefusedLine {
    /// The refusal, where the same line may be taken another time.
    pub fn held_up(&self) -> Option<RestError> {
        let status = self
            .problem
            .status
            .filter(|status| retry::is_transient(*status))?;
        let problem = Some(Box::new(self.problem.clone()));
        Some(RestError::Refused(Box::new(Refusal {
            status,
            retry_after: None,
            problem,
        })))
    }
}

fn matching(request: RequestBuilder, tag: Option<IfMatch>) -> RequestBuilder {
    match tag {
        None => request,
        Some(tag) => request.header(IF_MATCH, tag.header()),
    }
}

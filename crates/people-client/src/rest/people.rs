//! The REST calls for people.

use std::str::FromStr;
use std::time::Duration;

use people_core::{PersonId, Position};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, IF_MATCH, IF_NONE_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde::Deserialize;
use uuid::Uuid;

use super::answer::{self, RestAnswer};
use super::{BaseUrl, RestError, retry};
use crate::disconnect::Refusal;
use crate::problem::ProblemDetails;
use crate::timeouts::TOKEN_LIMIT;
use crate::tls::{Tls, Trust};
use crate::tokens::{TokenSource, Tokens};

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const NDJSON: &str = "application/x-ndjson";
/// The time limit for a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The time limit for a complete answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// The same for imports: their lines wait for the store, and a gateway may slow them down to one a
/// second.
const IMPORT_LIMIT: Duration = Duration::from_secs(600);

/// The REST client of one gateway, or of several behind one address.
#[derive(Clone, Debug)]
pub struct Rest {
    base: BaseUrl,
    http: Client,
    tokens: Option<TokenSource>,
}

/// The value of `If-Match`: one revision, or any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// The person exists.
    Any,
    /// The person has this revision.
    Revision(Position),
}

/// The text is not a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the revision as `get` shows it, such as 3f2a.17.9c1e, or * for any")]
pub struct InvalidIfMatch;

/// The condition under which a save replaces or creates a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveCondition {
    /// The person exists.
    Present,
    /// The person does not exist.
    Absent,
    /// The person matches.
    Match(IfMatch),
}

/// The idempotency key of a write. Repeats of the write carry the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryKey(Uuid);

/// A page of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeoplePage {
    /// One line of JSON for each person, in id order, as the server wrote it.
    pub lines: String,
    /// Whether more people follow.
    pub more: bool,
}

/// The outcome of an import request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// The refused lines, in order.
    pub refused: Vec<RefusedLine>,
    /// The number of lines that the server read. After many refusals it stops reading.
    pub lines: usize,
}

/// A line that the server did not save.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RefusedLine {
    /// The line's number in the request, from 1.
    pub line: usize,
    /// The reason.
    pub problem: ProblemDetails,
}

impl Rest {
    /// A client of the gateway at this address. It ignores the environment's proxies, and uses the
    /// authorities only for `https://`.
    pub fn new(base: BaseUrl, trust: &Trust) -> Result<Self, RestError> {
        let client = Client::builder().no_proxy().redirect(Policy::none());
        let client = if base.is_secure() {
            let tls = Tls::new(trust).map_err(|fault| RestError::Tls {
                base: base.to_string(),
                fault,
            })?;
            client.tls_backend_preconfigured(tls.config())
        } else {
            // Without this the library would read the machine's certificates, and fail if there
            // are none.
            client.tls_certs_only([])
        };
        let client = client
            .connect_timeout(CONNECT_LIMIT)
            .timeout(ANSWER_LIMIT)
            .build();
        let http = client.map_err(|error| RestError::of(&error, &base))?;
        Ok(Self {
            base,
            http,
            tokens: None,
        })
    }

    /// Takes tokens from this source, a new one for each call. It has 10 s for that.
    #[must_use]
    pub fn with_token(mut self, tokens: impl Tokens + 'static) -> Self {
        self.tokens = Some(TokenSource::new(tokens));
        self
    }

    /// Returns the person's JSON.
    pub async fn get(&self, id: PersonId) -> Result<String, RestError> {
        self.answer(self.person(Method::GET, id))
            .await
            .map(|answer| answer.text)
    }

    /// Saves a new person under a new id. Returns the person's JSON.
    pub async fn create(&self, body: &str, key: RetryKey) -> Result<String, RestError> {
        let request = self
            .http
            .post(self.base.at(&["people"]))
            .header(CONTENT_TYPE, JSON);
        self.answer(key.of(request).body(body.to_owned()))
            .await
            .map(|answer| answer.text)
    }

    /// Saves the whole person. Returns the person's JSON.
    pub async fn replace(
        &self,
        id: PersonId,
        body: &str,
        condition: SaveCondition,
        key: RetryKey,
    ) -> Result<String, RestError> {
        let request = self
            .person(Method::PUT, id)
            .header(CONTENT_TYPE, JSON)
            .body(body.to_owned());
        let request = match condition {
            SaveCondition::Present => request,
            SaveCondition::Absent => request.header(IF_NONE_MATCH, "*"),
            SaveCondition::Match(tag) => request.header(IF_MATCH, tag.header()),
        };
        self.answer(key.of(request)).await.map(|answer| answer.text)
    }

    /// Applies a JSON Merge Patch (RFC 7396). Returns the person's JSON.
    pub async fn merge(
        &self,
        id: PersonId,
        patch: &str,
        tag: Option<IfMatch>,
        key: RetryKey,
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
        key: RetryKey,
    ) -> Result<(), RestError> {
        self.answer(key.of(matching(self.person(Method::DELETE, id), tag)))
            .await
            .map(drop)
    }

    /// Returns the next `limit` people (1 to 1000) who match the condition, after this id.
    pub async fn page(
        &self,
        condition: &str,
        after: Option<PersonId>,
        limit: u16,
    ) -> Result<PeoplePage, RestError> {
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
        let RestAnswer { text, more } = self
            .answer(self.http.get(url).header(ACCEPT, NDJSON))
            .await?;
        Ok(PeoplePage { lines: text, more })
    }

    /// Saves people, one line of JSON each. Lines with an `id` may be sent again.
    pub async fn import(&self, lines: String) -> Result<ImportReport, RestError> {
        #[derive(Deserialize)]
        struct ImportTotal {
            lines: usize,
        }
        let request = self
            .http
            .post(self.base.at(&["people", "import"]))
            .header(CONTENT_TYPE, NDJSON)
            .timeout(IMPORT_LIMIT)
            .body(lines);
        let answer = self.answer(request).await?;
        let invalid = |error: serde_json::Error| {
            RestError::no_gateway(&self.base, format!("its report: {error}"))
        };
        let text = answer.text.trim_end();
        let (refused, total) = text.rsplit_once('\n').unwrap_or(("", text));
        let refused = refused
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .map_err(invalid)?;
        Ok(ImportReport {
            refused,
            lines: serde_json::from_str::<ImportTotal>(total)
                .map_err(invalid)?
                .lines,
        })
    }

    fn person(&self, method: Method, id: PersonId) -> RequestBuilder {
        self.http
            .request(method, self.base.at(&["people", &id.to_string()]))
    }

    async fn answer(&self, mut request: RequestBuilder) -> Result<RestAnswer, RestError> {
        if let Some(tokens) = &self.tokens {
            let authorization = tokens.authorization(TOKEN_LIMIT).await?;
            // This replaces the user and password of the URL: a gateway takes one credential.
            request = request.headers(HeaderMap::from_iter([(AUTHORIZATION, authorization)]));
        }
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

    /// Reads a revision, with or without the quotes of an entity tag.
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

impl RetryKey {
    /// A new random key.
    pub fn fresh() -> Self {
        Self(Uuid::new_v4())
    }

    fn of(self, request: RequestBuilder) -> RequestBuilder {
        request.header("idempotency-key", self.0.to_string())
    }
}

impl RefusedLine {
    /// The refusal as an error, if a later attempt with this line may succeed.
    pub fn transient(&self) -> Option<RestError> {
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

//! The reference client of live updates, on `people.v1.json`. It keeps its cursor, reconnects by
//! itself, and returns events in the order in which they apply. [`PeopleView`] folds them into the
//! people who match.
//!
//! ```no_run
//! use people_client::{Kinds, LiveClient, PeopleView, StartPoint};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut live = LiveClient::builder("ws://127.0.0.1:8080/updates".parse()?)
//!     .condition("job == \"Mathematician\" && age >= 18")
//!     .from(StartPoint::Snapshot)
//!     .build();
//! let mut view = PeopleView::new(Kinds::All);
//! loop {
//!     let event = live.next().await?;
//!     view.apply(&event)?;
//!     if let Some(people) = view.exact() {
//!         println!("{} mathematicians as of {:?}", people.len(), live.cursor());
//!     }
//! }
//! # }
//! ```
//!
//! A lost connection is an event, not an error: the client reconnects without end, after random and
//! growing waits, and resumes at its cursor. Without a cursor, or if the server cannot continue
//! from it, the client requests a snapshot. It gives up only if the server would refuse the same
//! request again, such as one with a faulty filter.
//!
//! `wss://` is TLS: the server's certificate must be valid for the URL's host, and signed by an
//! authority that the machine or [`Trust`] trusts. A bad certificate ends a client that never had a
//! connection. A client that had one keeps trying, because certificates are often renewed late.
//!
//! A gateway with `auth.mode = "jwt"` asks for tokens. [`Options::token`] and
//! [`rest::Rest::with_token`] take a source of them ([`Tokens`]), which is asked at each attempt to
//! connect and at each call. A source that fails, or takes longer than 10 s, is a failed attempt.
//! When a connection outlives its token (close code 4001), or a token has expired at the handshake,
//! the client resumes at its cursor with the next one. A second expired token in a row, and every
//! other 401 and 403, end it with the refusal.
//!
//! [`rest`] reads and writes people.

mod disconnect;
mod live;
mod problem;
mod protocol;
pub mod rest;
mod retry_wait;
mod subscription;
mod timeouts;
mod tls;
mod tokens;
mod updates_url;
mod view;

pub use disconnect::{ClientError, Disconnect, Refusal};
pub use live::{COMMANDS_MAX, LiveClient, Options};
pub use people_core::{Cursor, InvalidCursor, Kinds};
pub use problem::{ProblemDetails, WrongValue};
pub use protocol::event::{LiveEvent, PersonRecord, Removal, ResetReason, ViewChange};
pub use subscription::{FilterStart, StartPoint, ViewFilter};
pub use timeouts::Timeouts;
pub use tls::{InvalidTrust, TlsFault, Trust};
pub use tokens::{TokenError, Tokens};
pub use updates_url::{InvalidUpdatesUrl, UpdatesUrl};
pub use view::{Completeness, Contradiction, PeopleView};

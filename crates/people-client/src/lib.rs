//! The reference client of live updates, on `people.v1.json`: it keeps its cursor, comes back by
//! itself whatever breaks, and tells what happened in the order in which it counts. [`View`] folds
//! that into the people who match.
//!
//! ```no_run
//! use people_client::{Live, Start, View};
//! use people_client::Kinds;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut live = Live::builder("ws://127.0.0.1:8080/updates".parse()?)
//!     .condition("job == \"Mathematician\" && age >= 18")
//!     .from(Start::Snapshot)
//!     .build();
//! let mut view = View::new(Kinds::All);
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
//! Losing a connection is an event, not an error: the client connects again after a random and
//! growing wait, for ever, and resumes at its cursor; where there is none, or the server can't
//! continue it, with a snapshot. It gives up only where the same again would be refused again, as a
//! faulty filter is.
//!
//! `wss://` is TLS: the server's certificate must be good for the URL's host, and from an authority
//! that the machine, or [`Trust`], trusts. A client that never had a connection gives up when it
//! isn't; one that had goes on trying, because certificates are renewed late.
//!
//! [`rest`] is the other half: the calls that read and write people.

mod connection;
mod event;
mod handshake;
mod live;
mod loss;
mod message;
mod options;
mod place;
pub mod rest;
mod tls;
mod view;

pub use event::{Change, Event, Gone, Problem, Record, ResetReason, WrongValue};
pub use live::{COMMANDS_MAX, Live};
pub use loss::{ClientError, Loss, Refusal};
pub use options::{Endpoint, Filter, FilterStart, InvalidEndpoint, Limits, Options, Start};
pub use people_core::{Cursor, InvalidCursor, Kinds};
pub use tls::{InvalidTrust, TlsFault, Trust};
pub use view::{Contradiction, View, ViewState};

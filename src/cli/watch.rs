//! `watch`: live updates in a terminal as lines to read, in a pipe as NDJSON to process.

mod lines;
mod output;
mod signals;

use std::pin::pin;

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::gateway::{self, URL, URL_VARIABLE};
use super::shown::FormFlags;
use crate::client::rest::{BaseUrl, InvalidBaseUrl};
use crate::client::{ClientError, Cursor, Endpoint, InvalidEndpoint, Live, Refusal, Start};
use crate::filter::Kinds;
use output::Output;
use signals::{Asked, Signals};

const EXAMPLES: &str = "\
Examples:
  people-gateway watch
      what happens from now on, to everyone
  people-gateway watch --snapshot --where 'job == \"Mathematician\" && age >= 18'
      who matches now, and who comes, changes and goes
  people-gateway watch --kinds deletes | jq -r .id
      the ids of people who are deleted
  people-gateway watch --from 0:3f2a.17.9c1e
      what was missed since a cursor, then what happens

In a terminal a person is a line; in a pipe each message is a line of JSON as the server sent it.
What becomes of the connection goes to standard error. Ctrl-C ends it.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct WatchFlags {
    /// The gateway's address (http://), or that of its live updates (ws://)
    #[arg(long, value_name = "URL", env = URL_VARIABLE, default_value = URL, value_parser = endpoint)]
    url: Endpoint,
    /// Only people on whom this holds, in CEL [default: everyone]
    #[arg(long = "where", value_name = "EXPR", default_value = "", hide_default_value = true)]
    condition: String,
    /// Which changes: all, saves or deletes
    #[arg(long, value_name = "KINDS", default_value = "all")]
    kinds: Kinds,
    /// Begin with everyone who matches
    #[arg(long)]
    snapshot: bool,
    /// Begin with what happened since this cursor
    #[arg(long, value_name = "CURSOR", conflicts_with = "snapshot")]
    from: Option<Cursor>,
    #[command(flatten)]
    form: FormFlags,
}

pub(super) fn run(flags: WatchFlags) -> anyhow::Result<()> {
    gateway::run(watch(flags))
}

async fn watch(flags: WatchFlags) -> anyhow::Result<()> {
    let mut signals = Signals::catch().context("cannot catch signals")?;
    let mut output = Output::new(flags.form.form());
    let start = match (flags.snapshot, flags.from) {
        (true, _) => Start::Snapshot,
        (false, Some(cursor)) => Start::Cursor(cursor),
        (false, None) => Start::Now,
    };
    let builder = Live::builder(flags.url).kinds(flags.kinds).condition(flags.condition.as_str());
    let mut live = builder.from(start).build();
    loop {
        let event = tokio::select! {
            asked = signals.next() => match asked {
                Asked::InGoodOrder => { live.stop(); continue }
                Asked::AtOnce => return Ok(()),
            },
            event = live.next() => event,
        };
        let event = match event {
            Ok(event) => event,
            Err(ClientError::Ended) => break,
            Err(ClientError::Refused(refusal)) => return Err(refused(&refusal, &flags.condition)),
            Err(error) => return Err(error.into()),
        };
        output::note(&event);
        let text = output.text(&event, live.received());
        let mut written = pin!(output.write(text));
        let written = loop {
            tokio::select! {
                written = &mut written => break written,
                asked = signals.next() => match asked {
                    Asked::InGoodOrder => live.stop(),
                    Asked::AtOnce => return Ok(()),
                },
            }
        };
        match written {
            // Whoever read along has enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.context("cannot write to standard output")?,
        }
    }
    if let Some(cursor) = live.cursor() {
        output::farewell(cursor);
    }
    Ok(())
}

/// A refusal; where it is about the filter, with a mark under the fault.
fn refused(refusal: &Refusal, condition: &str) -> anyhow::Error {
    let fault = refusal.problem.as_ref().and_then(|problem| gateway::filter_fault(problem, condition));
    fault.unwrap_or_else(|| anyhow!(refusal.clone()))
}

/// A gateway's address, or that of live updates themselves.
fn endpoint(text: &str) -> Result<Endpoint, String> {
    if text.starts_with("http") {
        let base: BaseUrl = text.parse().map_err(|error: InvalidBaseUrl| error.to_string())?;
        return base.updates().map_err(|error| error.to_string());
    }
    text.parse().map_err(|error: InvalidEndpoint| error.to_string())
}

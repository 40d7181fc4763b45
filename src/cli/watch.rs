//! `watch`: live updates in a terminal as lines to read, in a pipe as NDJSON to process.

mod lines;
mod output;
#[cfg(unix)]
mod page;
#[cfg(unix)]
mod screen;
mod signals;
#[cfg(unix)]
mod table;
#[cfg(unix)]
mod turns;
#[cfg(unix)]
mod view;

use std::io::{self, IsTerminal as _};
use std::ops::ControlFlow;
use std::pin::pin;

use anyhow::{Context as _, anyhow};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use people_client::rest::{BaseUrl, InvalidBaseUrl};
use people_client::{
    ClientError, Cursor, Endpoint, Event, InvalidEndpoint, Live, Loss, Refusal, Start,
};

use super::gateway::{self, TrustFlags, URL, URL_VARIABLE, with_remedy, written};
use super::shown::{Form, FormFlags};
use crate::filter::Kinds;
use output::Output;
use signals::{Asked, Signals};

const EXAMPLES: &str = "\
Examples:
  people-gateway watch
      what happens from now on, to everyone
  people-gateway watch --snapshot --where 'job == \"Chef\" && age >= 18'
      who matches now, and who comes, changes and goes
  people-gateway watch --view --where 'attributes.city == \"Oslo\"'
      who matches, as a table that stays true
  people-gateway watch --kinds deletes | jq -r .id
      the ids of people who are deleted
  people-gateway watch --from 0:3f2a.17.9c1e
      what was missed since a cursor, then what happens
  people-gateway watch --url https://people.example --ca company.pem
      through a balancer with TLS, with a certificate of the company's own

In a terminal a person is a line; in a pipe each message is a line of JSON as the server sent it. \
What becomes of the connection goes to standard error. Ctrl-C ends it.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct WatchFlags {
    /// The gateway's address (http://, https://), or that of its live updates (ws://, wss://)
    #[arg(
        long,
        value_name = "URL",
        env = URL_VARIABLE,
        hide_env_values = true,
        default_value = URL,
        value_parser = endpoint
    )]
    url: Endpoint,
    #[command(flatten)]
    trust: TrustFlags,
    /// Only people on whom this holds, in CEL [default: everyone]
    #[arg(
        long = "where",
        value_name = "EXPR",
        default_value = "",
        hide_default_value = true
    )]
    condition: String,
    /// Which changes
    #[arg(long, value_name = "KINDS", default_value = "all", value_parser = kinds())]
    kinds: Kinds,
    /// Begin with everyone who matches
    #[arg(long)]
    snapshot: bool,
    /// Begin with what happened since this cursor
    #[arg(long, value_name = "CURSOR", conflicts_with = "snapshot", value_parser = cursor)]
    from: Option<Cursor>,
    /// Keep a table of who matches on the screen; in a pipe, as --snapshot
    #[arg(long, conflicts_with_all = ["from", "kinds", "json", "plain"])]
    view: bool,
    #[command(flatten)]
    form: FormFlags,
}

pub(super) fn run(flags: WatchFlags) -> anyhow::Result<()> {
    gateway::run(watch(flags))
}

async fn watch(flags: WatchFlags) -> anyhow::Result<()> {
    let mut signals = Signals::catch().context("cannot catch signals")?;
    let start = match (flags.snapshot || flags.view, flags.from) {
        (true, _) => Start::Snapshot,
        (false, Some(cursor)) => Start::Cursor(cursor),
        (false, None) => Start::Now,
    };
    let address = flags.url.to_string();
    let builder = Live::builder(flags.url)
        .kinds(flags.kinds)
        .condition(flags.condition.as_str());
    let mut live = builder.trust(flags.trust.trust()?).from(start).build();
    let ended = if flags.view && io::stdout().is_terminal() {
        show(&mut live, &flags.condition, &mut signals).await?
    } else {
        print(&mut live, flags.form.form(), &mut signals).await?
    };
    match ended {
        Ended::InGoodOrder => live.cursor().map_or((), output::farewell),
        // Standard error may be what nobody reads.
        Ended::AtOnce => {}
        Ended::Absent(reason) => {
            return Err(anyhow!(
                "cannot reach {address}: {reason}. {}",
                gateway::ABSENT
            ));
        }
        Ended::Failed(ClientError::Refused(refusal)) => {
            return Err(refused(&refusal, &flags.condition));
        }
        Ended::Failed(ClientError::Tls(fault)) => {
            return Err(with_remedy(&ClientError::Tls(fault.clone()), &fault));
        }
        Ended::Failed(error) => return Err(error.into()),
    }
    Ok(())
}

/// Shows the view as a table until it ends.
#[cfg(unix)]
async fn show(live: &mut Live, condition: &str, signals: &mut Signals) -> anyhow::Result<Ended> {
    view::show(live, condition, signals).await
}

/// The table needs a terminal of Unix: its size, its echo, its signals.
#[cfg(not(unix))]
async fn show(_: &mut Live, _: &str, _: &mut Signals) -> anyhow::Result<Ended> {
    Err(anyhow!(
        "watch --view works on Unix only; use watch --snapshot, or write to a pipe"
    ))
}

/// How watching ended.
enum Ended {
    InGoodOrder,
    AtOnce,
    /// Nobody was there at the first attempt: the address is wrong, or the gateway is not started.
    Absent(String),
    Failed(ClientError),
}

/// Takes note of what tells whether a gateway was ever there.
#[derive(Default)]
struct Met(bool);

impl Met {
    /// How it ends where nobody was ever there.
    fn absent(&mut self, event: &Event) -> Option<Ended> {
        match event {
            Event::Disconnected {
                why: Loss::Unreachable(reason),
                ..
            } if !self.0 => Some(Ended::Absent(reason.clone())),
            Event::Connected { .. }
            | Event::Disconnected {
                why: Loss::Refused(_),
                ..
            } => {
                self.0 = true;
                None
            }
            _ => None,
        }
    }
}

/// Prints what happens until it ends.
async fn print(live: &mut Live, form: Form, signals: &mut Signals) -> anyhow::Result<Ended> {
    let (mut output, mut met) = (Output::new(form), Met::default());
    loop {
        let event = tokio::select! {
            asked = signals.next() => match asked {
                Asked::InGoodOrder => { live.stop(); continue }
                Asked::AtOnce => return Ok(Ended::AtOnce),
            },
            event = live.next() => event,
        };
        let event = match event {
            Ok(event) => event,
            Err(ClientError::Ended) => return Ok(Ended::InGoodOrder),
            Err(error) => return Ok(Ended::Failed(error)),
        };
        if let Some(absent) = met.absent(&event) {
            return Ok(absent);
        }
        output::note(&event);
        let text = output.text(&event, live.received());
        if write(&mut output, text, live, signals).await?.is_break() {
            return Ok(Ended::AtOnce);
        }
    }
}

/// Writes, and listens to signals meanwhile: whoever has stopped reading must not keep the program.
/// Breaks where the program is to end at once.
async fn write(
    output: &mut Output,
    text: String,
    live: &mut Live,
    signals: &mut Signals,
) -> anyhow::Result<ControlFlow<()>> {
    let mut writing = pin!(output.write(text));
    loop {
        tokio::select! {
            outcome = &mut writing => return written(outcome).map(ControlFlow::Continue),
            asked = signals.next() => match asked {
                Asked::InGoodOrder => live.stop(),
                Asked::AtOnce => return Ok(ControlFlow::Break(())),
            },
        }
    }
}

/// A refusal; where it is about the filter, with a mark under the fault.
fn refused(refusal: &Refusal, condition: &str) -> anyhow::Error {
    let fault = refusal
        .problem
        .as_ref()
        .and_then(|problem| gateway::filter_fault(problem, condition));
    fault.unwrap_or_else(|| anyhow!(refusal.clone()))
}

/// A gateway's address, or that of live updates themselves.
fn endpoint(text: &str) -> Result<Endpoint, String> {
    match text.parse::<Endpoint>() {
        Ok(endpoint) => Ok(endpoint),
        Err(InvalidEndpoint::Scheme { .. }) => {
            let base: BaseUrl = text
                .parse()
                .map_err(|error: InvalidBaseUrl| format!("{error}, or ws://HOST:PORT"))?;
            base.updates().map_err(|error| error.to_string())
        }
        Err(InvalidEndpoint::Malformed(error)) => Err(format!(
            "{}, or ws://HOST:PORT",
            InvalidBaseUrl::Malformed(error)
        )),
    }
}

/// A cursor. The words that `from` has on the wire are flags here.
fn cursor(text: &str) -> Result<Cursor, String> {
    match text {
        "snapshot" => Err("to begin with everyone who matches, use --snapshot".to_owned()),
        "now" => Err("without --from and --snapshot, `watch` begins now".to_owned()),
        _ => text.parse::<Cursor>().map_err(|error| {
            format!("expected PARTITION:EPOCH.SEQ.TAG of each partition, comma-separated: {error}")
        }),
    }
}

/// The words for kinds, which shells complete.
fn kinds() -> impl TypedValueParser<Value = Kinds> {
    PossibleValuesParser::new(["all", "saves", "deletes"]).map(|word| {
        word.parse::<Kinds>()
            .expect("these are the words that there are")
    })
}

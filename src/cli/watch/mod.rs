//! `watch` shows live updates: readable lines in a terminal, NDJSON in a pipe.

mod lines;
mod outcome;
mod output;
#[cfg(unix)]
mod page;
#[cfg(unix)]
mod screen;
mod signals;
#[cfg(unix)]
mod table;
#[cfg(unix)]
mod terminal_signals;
#[cfg(unix)]
mod view;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use people_client::rest::{BaseUrl, InvalidBaseUrl};
use people_client::{
    ClientError, Cursor, InvalidUpdatesUrl, LiveClient, Refusal, StartPoint, UpdatesUrl,
};

use super::gateway::{
    self, CommandToken, CredentialFlags, TrustFlags, URL, URL_VARIABLE, with_tls_advice,
};
use super::terminal::{OutputFlags, OutputForm};
use crate::filter::Kinds;
use outcome::{FirstContact, WatchOutcome};
use output::{WatchOutput, write_unless_stopped};
use signals::{StopRequest, WatchSignals};

const EXAMPLES: &str = "\
Examples:
  people-gateway watch
      the changes of all people, from now on
  people-gateway watch --snapshot --where 'job == \"Chef\" && age >= 18'
      the people who match now, then their changes
  people-gateway watch --view --where 'attributes.city == \"Oslo\"'
      the people who match, as a table that stays up to date
  people-gateway watch --kinds deletes | jq -r .id
      the ids of deleted people
  people-gateway watch --from 0:3f2a.17.9c1e
      the changes since a cursor, then later ones
  people-gateway watch --url https://people.example --ca company.pem
      a gateway behind TLS, with a certificate of the company's own authority

In a terminal each person is a line; in a pipe each message is a line of JSON as the server sent \
it. Standard error shows the state of the connection. Ctrl-C ends the command.";

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
        value_parser = updates_url
    )]
    url: UpdatesUrl,
    #[command(flatten)]
    trust: TrustFlags,
    #[command(flatten)]
    credential: CredentialFlags,
    /// Only people who match this condition in CEL [default: everyone]
    #[arg(
        long = "where",
        value_name = "EXPR",
        default_value = "",
        hide_default_value = true
    )]
    condition: String,
    /// The kinds of change
    #[arg(long, value_name = "KINDS", default_value = "all", value_parser = kinds())]
    kinds: Kinds,
    /// Begin with a snapshot of everyone who matches
    #[arg(long)]
    snapshot: bool,
    /// Begin with the changes since this cursor
    #[arg(long, value_name = "CURSOR", conflicts_with = "snapshot", value_parser = cursor)]
    from: Option<Cursor>,
    /// Keep a table of the people who match on the screen; in a pipe, as --snapshot
    #[arg(long, conflicts_with_all = ["from", "kinds", "json", "plain"])]
    view: bool,
    #[command(flatten)]
    output: OutputFlags,
}

pub(super) fn run(flags: WatchFlags) -> anyhow::Result<()> {
    // This may read standard input, while a signal still ends the program.
    let token = flags.credential.token()?;
    gateway::run(watch(flags, token))
}

async fn watch(flags: WatchFlags, token: Option<Arc<CommandToken>>) -> anyhow::Result<()> {
    let mut signals = WatchSignals::catch().context("cannot catch signals")?;
    let address = flags.url.to_string();
    let mut options = LiveClient::builder(flags.url.clone())
        .kinds(flags.kinds)
        .condition(flags.condition.as_str())
        .trust(flags.trust.trust()?)
        .from(match (flags.snapshot || flags.view, &flags.from) {
            (true, _) => StartPoint::Snapshot,
            (false, Some(cursor)) => StartPoint::Cursor(cursor.clone()),
            (false, None) => StartPoint::Now,
        });
    if let Some(token) = &token {
        options = options.token(Arc::clone(token));
    }
    let mut live = options.clone().build();
    let mut ended = follow(&mut live, &flags, &mut signals).await?;
    if let (true, Some(token)) = (ended.is_token_refused(), token)
        && token.has_changed().await
    {
        // The file has another token since the client read it.
        if let Some(cursor) = live.cursor().filter(|_| !flags.view) {
            options = options.from(StartPoint::Cursor(cursor.clone()));
        }
        live = options.build();
        ended = follow(&mut live, &flags, &mut signals).await?;
    }
    match ended {
        WatchOutcome::Graceful => live.cursor().map_or((), output::note_cursor),
        // Standard error may be blocked, too.
        WatchOutcome::Immediate => {}
        WatchOutcome::NoGateway(reason) => {
            return Err(anyhow!(
                "cannot reach {address}: {reason}. {}",
                gateway::NO_GATEWAY_ADVICE
            ));
        }
        WatchOutcome::NoToken(error) => return Err(error.into()),
        WatchOutcome::Failed(ClientError::Refused(refusal)) => {
            return Err(refused(&refusal, &flags.condition));
        }
        WatchOutcome::Failed(ClientError::Tls(fault)) => {
            return Err(with_tls_advice(&ClientError::Tls(fault.clone()), &fault));
        }
        WatchOutcome::Failed(error) => return Err(error.into()),
    }
    Ok(())
}

/// Shows what one client receives until its end.
async fn follow(
    live: &mut LiveClient,
    flags: &WatchFlags,
    signals: &mut WatchSignals,
) -> anyhow::Result<WatchOutcome> {
    if flags.view && io::stdout().is_terminal() {
        show(live, &flags.condition, signals).await
    } else {
        print(live, flags.output.form(), signals).await
    }
}

/// Shows the view as a table until the end.
#[cfg(unix)]
async fn show(
    live: &mut LiveClient,
    condition: &str,
    signals: &mut WatchSignals,
) -> anyhow::Result<WatchOutcome> {
    view::show(live, condition, signals).await
}

/// The table needs a Unix terminal: its size, its echo, its signals.
#[cfg(not(unix))]
async fn show(_: &mut LiveClient, _: &str, _: &mut WatchSignals) -> anyhow::Result<WatchOutcome> {
    Err(anyhow!(
        "watch --view works on Unix only; use watch --snapshot, or write to a pipe"
    ))
}

/// Prints events until the end.
async fn print(
    live: &mut LiveClient,
    form: OutputForm,
    signals: &mut WatchSignals,
) -> anyhow::Result<WatchOutcome> {
    let (mut output, mut contact) = (WatchOutput::new(form), FirstContact::default());
    loop {
        let event = tokio::select! {
            request = signals.next() => match request {
                StopRequest::Graceful => { live.stop(); continue }
                StopRequest::Immediate => return Ok(WatchOutcome::Immediate),
            },
            event = live.next() => event,
        };
        let event = match event {
            Ok(event) => event,
            Err(ClientError::Ended) => return Ok(WatchOutcome::Graceful),
            Err(error) => return Ok(WatchOutcome::Failed(error)),
        };
        if let Some(outcome) = contact.check(&event) {
            return Ok(outcome);
        }
        output::note_connection(&event);
        let text = output.text(&event, live.received());
        let written = write_unless_stopped(&mut output, text, live, signals).await?;
        if written.is_break() {
            return Ok(WatchOutcome::Immediate);
        }
    }
}

/// A refusal as an error; a fault in the filter is marked, and one of the token has advice.
fn refused(refusal: &Refusal, condition: &str) -> anyhow::Error {
    let fault = refusal.problem.as_ref().and_then(|problem| {
        gateway::filter_fault(problem, condition).or_else(|| gateway::token_fault(problem))
    });
    fault.unwrap_or_else(|| anyhow!(refusal.clone()))
}

/// Reads a gateway's address, or the URL of its live updates.
fn updates_url(text: &str) -> Result<UpdatesUrl, String> {
    match text.parse::<UpdatesUrl>() {
        Ok(url) => Ok(url),
        Err(InvalidUpdatesUrl::Scheme { .. }) => {
            let base: BaseUrl = text
                .parse()
                .map_err(|error: InvalidBaseUrl| format!("{error}, or ws://HOST:PORT"))?;
            base.updates().map_err(|error| error.to_string())
        }
        Err(InvalidUpdatesUrl::Malformed(error)) => Err(format!(
            "{}, or ws://HOST:PORT",
            InvalidBaseUrl::Malformed(error)
        )),
    }
}

/// Reads a cursor. The other words of `from` in the protocol are flags here.
fn cursor(text: &str) -> Result<Cursor, String> {
    match text {
        "snapshot" => Err("to begin with everyone who matches, use --snapshot".to_owned()),
        "now" => Err("without --from and --snapshot, `watch` begins now".to_owned()),
        _ => text.parse::<Cursor>().map_err(|error| {
            format!("expected PARTITION:EPOCH.SEQ.TAG of each partition, comma-separated: {error}")
        }),
    }
}

/// Reads kinds, from words that shells complete.
fn kinds() -> impl TypedValueParser<Value = Kinds> {
    PossibleValuesParser::new(["all", "saves", "deletes"]).map(|word| {
        word.parse::<Kinds>()
            .expect("the parser accepts these words only")
    })
}

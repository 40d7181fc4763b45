//! `watch`: live updates in a terminal as lines to read, in a pipe as NDJSON to process.

mod lines;
mod output;
mod signals;

use std::pin::pin;

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::client::{ClientError, Cursor, Endpoint, Live, Refusal, Start};
use crate::filter::Kinds;
use output::{Form, Output};
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
    /// The gateway's live updates
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8080/updates")]
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
    /// Lines of JSON, also in a terminal
    #[arg(long, conflicts_with = "plain")]
    json: bool,
    /// Lines to read, also in a pipe
    #[arg(long)]
    plain: bool,
}

pub(super) fn run(flags: WatchFlags) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let ended = runtime.block_on(watch(flags));
    // A write to someone who has stopped reading must not keep the program.
    runtime.shutdown_background();
    ended
}

async fn watch(flags: WatchFlags) -> anyhow::Result<()> {
    let mut signals = Signals::catch().context("cannot catch signals")?;
    let mut output = Output::new(flags.form());
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

impl WatchFlags {
    fn form(&self) -> Form {
        match (self.json, self.plain) {
            (true, _) => Form::Json,
            (false, true) => Form::Plain,
            (false, false) => Form::fitting(),
        }
    }
}

/// A refusal; where it is about the filter, with a mark under the fault.
fn refused(refusal: &Refusal, condition: &str) -> anyhow::Error {
    let Some((problem, offset)) = refusal.problem.as_ref().and_then(|problem| Some((problem, problem.offset?))) else {
        return anyhow!(refusal.clone());
    };
    // A line break or a tab would shift the mark.
    let shown: String = condition.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let after = condition.chars().count().saturating_sub(offset);
    let mark = "^".repeat(problem.length.unwrap_or(1).min(after).max(1));
    let indent = " ".repeat(condition.chars().count() - after);
    anyhow!("the filter is refused: {}\n  {shown}\n  {indent}{mark}", problem.detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Problem;

    fn shown(condition: &str, offset: usize, length: usize) -> String {
        let kind = "/problems/filter".to_owned();
        let problem = Problem { kind, detail: "no".into(), offset: Some(offset), length: Some(length) };
        let refusal = Refusal { status: 400, retry_after: None, problem: Some(problem) };
        refused(&refusal, condition).to_string()
    }

    #[test]
    fn a_faulty_filter_is_marked_where_the_fault_is() {
        assert_eq!(shown("job = 1", 4, 1), "the filter is refused: no\n  job = 1\n      ^");
        assert_eq!(shown("é\n\u{1b}age > x", 9, 1), "the filter is refused: no\n  é  age > x\n           ^");
        // At the end, and beyond it, where no server should point.
        assert_eq!(shown("age >", 5, 0), "the filter is refused: no\n  age >\n       ^");
        assert_eq!(shown("age", usize::MAX, usize::MAX), "the filter is refused: no\n  age\n     ^");
        assert_eq!(shown("age", 1, usize::MAX), "the filter is refused: no\n  age\n   ^^");
    }
}

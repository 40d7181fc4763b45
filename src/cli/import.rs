//! `import`: the people of a file, in requests of bounded size, through outages of the gateway.
//!
//! Everyone has an id before they are sent, so a request may be sent again. Where a line is held up
//! because the store doesn't answer, all from that line on come again: lines about the same person
//! stay in their order.

mod columns;
mod csv;
mod encoding;
mod ids;
mod lines;
mod people;
mod report;
mod source;

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use encoding_rs::Encoding;
use people_client::rest::{ImportReport, RefusedLine, RestError};
use tokio::sync::mpsc;

use super::gateway::{self, Gateway, GatewayFlags, told, written};
use super::shown::for_stdout;
use columns::Rules;
use ids::Ids;
use people::{Batch, Format, Item, Nobody, People};
use report::Report;
use source::Source;

/// Batches that are read and not yet sent.
const AHEAD: usize = 2;

const EXAMPLES: &str = "\
Examples:
  people-gateway import examples/people.csv --list tags
      a table; `chess;go` in the column tags is a list
  people-gateway import staff.csv --map 'Given name=firstName' --text phone
      another heading; phone numbers stay texts
  people-gateway import staff.csv --encoding windows-1252 --dry-run
      what an old spreadsheet would become; nobody is saved
  people-gateway export --url http://old:8080 | people-gateway import -
      from gateway to gateway, ids included

Columns: id, firstName, lastName, age and job in any plain spelling (First name, first_name), and \
`attributes` with a JSON object. Any other column is an attribute, attributes.a.b one inside \
another. A cell is a number, true, false, a list or an object where it is exactly that as JSON, \
else a text; an empty one is left out.

A person without an id gets one from the file's name and the line, so that a second run saves the \
same people again; --name gives another name. What comes from standard input without --name gets \
ids at random.

Refused lines are told on standard error with their line in the file; then the exit code is 1.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ImportFlags {
    /// The file; - is standard input
    file: PathBuf,
    /// What the file is made of [default: by its name (.csv, .tsv, .ndjson, .jsonl), else by its
    /// first character]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// What the file is written in, such as windows-1252, euc-jp or utf-16le [default: by its byte
    /// order mark, else utf-8]
    #[arg(long, value_name = "ENCODING", value_parser = encoding::named)]
    encoding: Option<&'static Encoding>,
    #[command(flatten)]
    columns: ColumnFlags,
    /// The name from which ids are made [default: the file's name without its folder]
    #[arg(long)]
    name: Option<String>,
    /// Save nobody: write the people as they would be sent, a line of JSON each
    #[arg(long)]
    dry_run: bool,
    /// After so many refused lines the rest is not read
    #[arg(
        long,
        value_name = "LINES",
        default_value = "1000",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    refused_max: u64,
    #[command(flatten)]
    gateway: GatewayFlags,
}

/// What the columns of CSV are.
#[derive(Args, Debug)]
struct ColumnFlags {
    /// The column with this heading is that field, or attributes.NAME; as often as you like
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = mapping)]
    map: Vec<(String, String)>,
    /// This column holds texts, also where they look like numbers
    #[arg(long, value_name = "COLUMN")]
    text: Vec<String>,
    /// This column holds numbers, also where they are written like 007 or 1.50; anything else is
    /// refused
    #[arg(long, value_name = "COLUMN")]
    number: Vec<String>,
    /// This column holds lists, with ; between the items
    #[arg(long, value_name = "COLUMN")]
    list: Vec<String>,
    /// Leave this column out
    #[arg(long, value_name = "COLUMN")]
    skip: Vec<String>,
    /// What stands between the cells: one character, or `tab` [default: as in the headings: comma,
    /// semicolon or tab]
    #[arg(long, value_name = "CHARACTER", value_parser = super::separator)]
    separator: Option<u8>,
    /// Keep the apostrophe before what looks like a formula ('=1+1), as `export --plain` wrote the
    /// file
    #[arg(long)]
    plain: bool,
}

pub(super) fn run(flags: ImportFlags) -> anyhow::Result<()> {
    let source = Source::open(&flags.file, flags.encoding)?;
    let stdin = flags.file.as_os_str() == "-";
    let shown = if stdin {
        "standard input".to_owned()
    } else {
        flags.file.display().to_string()
    };
    let ids = flags
        .name
        .or_else(|| file_name(&flags.file))
        .map_or(Ids::Fresh, Ids::Derived);
    let ColumnFlags {
        map,
        text,
        number,
        list,
        skip,
        separator,
        plain,
    } = flags.columns;
    let rules = Rules {
        map,
        text,
        number,
        list,
        skip,
        plain,
    };
    let mut report = Report::new(shown, source.size);
    let people = People::new(
        source,
        flags.format.or_else(|| Format::of(&flags.file)),
        ids,
        rules,
        separator,
    );
    if flags.dry_run {
        let ended = show(people, flags.refused_max, &mut report);
        return report.end(ended, "would be refused");
    }
    gateway::run(async move {
        let mut gateway = flags.gateway.gateway()?;
        gateway.tell_by(report.teller());
        let ended = import(&mut gateway, people, flags.refused_max, &mut report).await;
        report.clear();
        report.sums()?;
        report.end(ended, "were refused")
    })
}

/// Writes the people as they would be sent, and tells what would be refused before that.
fn show(mut people: People, refused_max: u64, report: &mut Report) -> anyhow::Result<Nobody> {
    let mut out = BufWriter::new(io::stdout().lock());
    while let Some(batch) = people.batch()? {
        for Item { line, person } in batch.items {
            match person {
                Ok(json) => {
                    written(writeln!(out, "{}", for_stdout(&json)))?;
                    report.saved += 1;
                }
                Err(words) => report.refuse(line, &words),
            }
        }
        ensure!(
            report.refused < refused_max,
            "{} lines were refused: the rest was not read",
            report.refused
        );
    }
    written(out.flush())?;
    Ok(people.nobody())
}

async fn import(
    gateway: &mut Gateway,
    mut people: People,
    refused_max: u64,
    report: &mut Report,
) -> anyhow::Result<Nobody> {
    let (sender, mut batches) = mpsc::channel(AHEAD);
    // Files block. When nobody takes its batches any more, it ends.
    let reading = tokio::task::spawn_blocking(move || {
        while let Some(batch) = people.batch().transpose() {
            let failed = batch.is_err();
            if sender.blocking_send(batch).is_err() || failed {
                break;
            }
        }
        people.nobody()
    });
    while let Some(batch) = batches.recv().await {
        let batch: Batch = batch?;
        let read = batch.read;
        send(gateway, batch, report).await?;
        report.progress(read);
        ensure!(
            report.refused < refused_max,
            "{} lines were refused: the rest was not read",
            report.refused
        );
    }
    reading.await.context("cannot read the file")
}

/// Sends a batch until each of its people is saved or refused.
async fn send(gateway: &mut Gateway, batch: Batch, report: &mut Report) -> anyhow::Result<()> {
    let (mut people, mut refused) = (Vec::new(), Vec::new());
    for Item { line, person } in batch.items {
        match person {
            Ok(json) => people.push((line, json)),
            Err(words) => refused.push((line, words)),
        }
    }
    let mut left = &people[..];
    while !left.is_empty() {
        let body = left.iter().flat_map(|(_, json)| [json, "\n"]).collect();
        let answer = match gateway.rest.import(body).await {
            Ok(answer) => answer,
            Err(error) => {
                gateway.wait_after(error).await.map_err(told)?;
                continue;
            }
        };
        let (done, held_up) = settled(&answer, left.len());
        let before = refused.len();
        let told_of = answer.refused.iter().filter(|refusal| refusal.line <= done);
        refused.extend(told_of.filter_map(|RefusedLine { line, problem }| {
            let (line, _) = left.get(line.checked_sub(1)?)?;
            Some((*line, problem.words()))
        }));
        report.saved += (done - (refused.len() - before).min(done)) as u64;
        left = &left[done..];
        if done > 0 {
            gateway.succeeded();
        }
        match held_up {
            Some(refusal) => gateway.wait_after(refusal).await.map_err(told)?,
            None if done == 0 => bail!("the gateway read none of the lines that it was sent"),
            None => {}
        }
    }
    refused.sort_by_key(|(line, _)| *line);
    for (line, words) in &refused {
        report.refuse(*line, words);
    }
    Ok(())
}

/// How many of the lines that were sent need not be sent again, and what holds up the next one, if
/// anything does.
fn settled(answer: &ImportReport, sent: usize) -> (usize, Option<RestError>) {
    let held_up = answer
        .refused
        .iter()
        .find_map(|refusal| Some((refusal.line, refusal.held_up()?)));
    match held_up {
        Some((line, error)) => (line.saturating_sub(1).min(sent), Some(error)),
        None => (answer.lines.min(sent), None),
    }
}

/// The name that ids are made from; none for standard input.
fn file_name(path: &Path) -> Option<String> {
    let name = path.file_name().filter(|name| *name != "-");
    name.map(|name| name.to_string_lossy().into_owned())
}

fn mapping(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((column, field)) if !column.is_empty() && !field.is_empty() => {
            Ok((column.to_owned(), field.to_owned()))
        }
        _ => Err("expected COLUMN=FIELD, such as 'Given name=firstName'".to_owned()),
    }
}

#[cfg(test)]
#[path = "import/cases_tests.rs"]
mod cases;

//! `import`: the people of a file, in requests of bounded size, through outages of the gateway.
//!
//! Everyone has an id before they are sent, so a request may be sent again. Where a line is held up because the store
//! doesn't answer, all from that line on come again: lines about the same person stay in their order.

mod columns;
mod csv;
mod ids;
mod people;
mod report;
mod source;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use tokio::sync::mpsc;

use super::gateway::{self, Gateway, GatewayFlags, told};
use crate::client::rest::{ImportReport, RefusedLine, RestError};
use columns::Rules;
use ids::Ids;
use people::{Batch, Format, Item, People};
use report::Report;
use source::Source;

/// Batches that are read and not yet sent.
const AHEAD: usize = 2;

const EXAMPLES: &str = "\
Examples:
  people-gateway import examples/people.csv --list tags
      a table with the columns firstName, lastName, age, job and attributes; `chess;go` in tags is a list
  people-gateway import staff.csv --map 'Given name=firstName' --map 'Surname=lastName' --text phone --skip notes
      other headings; phone numbers stay texts
  people-gateway export --url http://old:8080 | people-gateway import -
      from gateway to gateway, ids included

Columns: id, firstName, lastName, age and job in any plain spelling (First name, first_name), and `attributes` with a JSON
object. Any other column is an attribute, attributes.a.b one inside another. A cell is a number, true, false, a list or an
object where it is exactly that as JSON, else a text; an empty one is left out.

Whoever has no id gets one from the file's name and the line, so that a second run saves the same people again; --name
gives another name. What comes from standard input without --name gets ids at random.

Refused lines are told on standard error with their line in the file; then the exit code is 1.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ImportFlags {
    /// The file; - is standard input
    file: PathBuf,
    /// What the file is made of [default: by its name (.csv, .tsv, .ndjson, .jsonl), else by its first character]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// The column with this heading is that field, or attributes.NAME; as often as you like
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = mapping)]
    map: Vec<(String, String)>,
    /// This column holds texts, also where they look like numbers
    #[arg(long, value_name = "COLUMN")]
    text: Vec<String>,
    /// This column holds lists, with ; between the items
    #[arg(long, value_name = "COLUMN")]
    list: Vec<String>,
    /// Leave this column out
    #[arg(long, value_name = "COLUMN")]
    skip: Vec<String>,
    /// What stands between the cells: one character, or `tab` [default: as in the headings: comma, semicolon or tab]
    #[arg(long, value_name = "CHARACTER", value_parser = super::separator)]
    separator: Option<u8>,
    /// The name from which ids are made [default: the file's name without its folder]
    #[arg(long)]
    name: Option<String>,
    /// After so many refused lines the rest is not read
    #[arg(long, value_name = "LINES", default_value = "1000", value_parser = clap::value_parser!(u64).range(1..))]
    refused_max: u64,
    #[command(flatten)]
    gateway: GatewayFlags,
}

pub(super) fn run(flags: ImportFlags) -> anyhow::Result<()> {
    let source = Source::open(&flags.file)?;
    let stdin = flags.file.as_os_str() == "-";
    let shown = if stdin { "standard input".to_owned() } else { flags.file.display().to_string() };
    let ids = flags.name.or_else(|| file_name(&flags.file)).map_or(Ids::Fresh, Ids::Derived);
    let rules = Rules { map: flags.map, text: flags.text, list: flags.list, skip: flags.skip };
    let mut report = Report::new(shown, source.size);
    let people = People::new(source, flags.format.or_else(|| Format::of(&flags.file)), ids, rules, flags.separator);
    gateway::run(async move {
        let mut gateway = flags.gateway.gateway()?;
        gateway.tell_by(report.teller());
        let ended = import(&mut gateway, people, flags.refused_max, &mut report).await;
        report.clear();
        report.sums()?;
        ended.context("the import is not whole")?;
        let (refused, lines) = (report.refused, report.refused + report.saved);
        ensure!(
            refused == 0,
            "{refused} of {lines} people were refused; correct those lines and import the file again"
        );
        Ok(())
    })
}

async fn import(
    gateway: &mut Gateway,
    mut people: People,
    refused_max: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (sender, mut batches) = mpsc::channel(AHEAD);
    // Files block. When nobody takes its batches any more, it ends.
    tokio::task::spawn_blocking(move || {
        while let Some(batch) = people.batch().transpose() {
            let failed = batch.is_err();
            if sender.blocking_send(batch).is_err() || failed {
                return;
            }
        }
    });
    while let Some(batch) = batches.recv().await {
        let batch: Batch = batch?;
        let read = batch.read;
        send(gateway, batch, report).await?;
        report.progress(read);
        ensure!(report.refused < refused_max, "{} lines were refused: the rest was not read", report.refused);
    }
    Ok(())
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

/// How many of the lines that were sent need not be sent again, and what holds up the next one, if anything does.
fn settled(answer: &ImportReport, sent: usize) -> (usize, Option<RestError>) {
    let held_up = answer.refused.iter().find_map(|refusal| Some((refusal.line, refusal.held_up()?)));
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
        Some((column, field)) if !column.is_empty() && !field.is_empty() => Ok((column.to_owned(), field.to_owned())),
        _ => Err("expected COLUMN=FIELD, such as 'Given name=firstName'".to_owned()),
    }
}

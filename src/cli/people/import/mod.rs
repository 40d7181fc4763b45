//! `import` saves the people of a file, in requests of bounded size, and survives outages.
//!
//! Each person has an id before the first request, so requests may be repeated. If the store does
//! not answer for a line, the command sends that line and all later ones again, so that lines about
//! the same person keep their order.

mod columns;
mod csv;
mod encoding;
mod ids;
mod lines;
mod parser;
mod reader;
mod report;
mod source;

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use encoding_rs::Encoding;
use people_client::rest::{ImportReport, RefusedLine, RestError};
use tokio::sync::mpsc;

use super::values::separator;
use crate::cli::flag_conflict::FlagConflict;
use crate::cli::gateway::{self, GatewayClient, GatewayFlags, with_advice};
use crate::cli::terminal::{check_output, for_stdout};
use columns::ColumnRules;
use ids::IdSource;
use parser::{ImportFormat, ImportItem};
use reader::{Batch, EmptyFile, PeopleReader};
use report::ImportTally;
use source::TextSource;

/// The most batches that are read ahead. The reader waits for the sender.
const BATCHES_AHEAD: usize = 2;

const EXAMPLES: &str = "\
Examples:
  people-gateway import examples/people.csv --list tags
      a table whose column tags holds lists, such as `chess;go`
  people-gateway import staff.csv --map 'Given name=firstName' --text phone
      a table with another heading; phone numbers stay texts
  people-gateway import staff.csv --encoding windows-1252 --dry-run
      the people of an old spreadsheet, without saving them
  people-gateway export --url http://old:8080 | people-gateway import -
      from gateway to gateway, ids included

Columns: id, firstName, lastName, age and job in any plain spelling (First name, first_name), and \
`attributes` with a JSON object. Any other column is an attribute, attributes.a.b one inside \
another. A cell is a number, true, false, a list or an object if it is exactly that as JSON, \
else a text; an empty one has no value.

A person without an id gets one from the file's name and the line, so that a second run saves the \
same people again; --name gives another name. People from standard input without --name get random \
ids.

Standard error shows refused lines with their number in the file; then the exit code is 1.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct ImportFlags {
    /// The file; - is standard input
    file: PathBuf,
    /// The file's format [default: by its name (.csv, .tsv, .ndjson, .jsonl), else by its first
    /// character]
    #[arg(long, value_name = "FORMAT")]
    format: Option<ImportFormat>,
    /// The file's encoding, such as windows-1252, euc-jp or utf-16le [default: by its byte order
    /// mark, else utf-8]
    #[arg(long, value_name = "ENCODING", value_parser = encoding::named)]
    encoding: Option<&'static Encoding>,
    #[command(flatten)]
    columns: ColumnFlags,
    /// The name for ids of people without one [default: the file's name without its folder]
    #[arg(long)]
    name: Option<String>,
    /// Save nothing: write the people that would be sent, one line of JSON each
    #[arg(long)]
    dry_run: bool,
    /// Stop reading after this number of refused lines
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

/// Flags for the columns of CSV.
#[derive(Args, Debug)]
struct ColumnFlags {
    /// This column is that field, or attributes.NAME; may be repeated
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = mapping)]
    map: Vec<(String, String)>,
    /// This column holds texts, also if they look like numbers
    #[arg(long, value_name = "COLUMN")]
    text: Vec<String>,
    /// This column holds numbers, also if they are written like 007 or 1.50; other values are
    /// refused
    #[arg(long, value_name = "COLUMN")]
    number: Vec<String>,
    /// This column holds lists, with ; between the items
    #[arg(long, value_name = "COLUMN")]
    list: Vec<String>,
    /// Skip this column
    #[arg(long, value_name = "COLUMN")]
    skip: Vec<String>,
    /// The separator of cells: one character, or `tab` [default: as in the headings: comma,
    /// semicolon or tab]
    #[arg(long, value_name = "CHARACTER", value_parser = separator)]
    separator: Option<u8>,
    /// Keep the apostrophe before formulas ('=1+1), for a file that `export --plain` wrote
    #[arg(long)]
    plain: bool,
}

pub(in crate::cli) fn import(flags: ImportFlags) -> anyhow::Result<()> {
    let stdin = flags.file.as_os_str() == "-";
    if stdin && flags.gateway.reads_stdin() {
        bail!(FlagConflict::new(
            "import",
            "standard input cannot have both the token (--token-file -) and the people (-)",
        ));
    }
    let source = TextSource::open(&flags.file, flags.encoding)?;
    let name = if stdin {
        "standard input".to_owned()
    } else {
        flags.file.display().to_string()
    };
    let ids = flags
        .name
        .or_else(|| file_name(&flags.file))
        .map_or(IdSource::Fresh, IdSource::Derived);
    let ColumnFlags {
        map,
        text,
        number,
        list,
        skip,
        separator,
        plain,
    } = flags.columns;
    let rules = ColumnRules {
        map,
        text,
        number,
        list,
        skip,
        plain,
    };
    let mut tally = ImportTally::new(name, source.size);
    let people = PeopleReader::new(
        source,
        flags.format.or_else(|| ImportFormat::of(&flags.file)),
        ids,
        rules,
        separator,
    );
    if flags.dry_run {
        let ended = dry_run(people, flags.refused_max, &mut tally);
        return tally.end(ended, "would be refused");
    }
    gateway::run(async move {
        let mut gateway = flags.gateway.client()?;
        gateway.note_with(tally.note_writer());
        let ended = save_people(&mut gateway, people, flags.refused_max, &mut tally).await;
        tally.clear();
        tally.write_sums()?;
        tally.end(ended, "were refused")
    })
}

/// Writes the people as they would be sent, and reports the lines that the command would refuse.
fn dry_run(
    mut people: PeopleReader,
    refused_max: u64,
    tally: &mut ImportTally,
) -> anyhow::Result<EmptyFile> {
    let mut out = BufWriter::new(io::stdout().lock());
    while let Some(batch) = people.batch()? {
        for ImportItem { line, person } in batch.items {
            match person {
                Ok(json) => {
                    check_output(writeln!(out, "{}", for_stdout(&json)))?;
                    tally.saved += 1;
                }
                Err(words) => tally.refuse(line, &words),
            }
        }
        check_refused(tally, refused_max)?;
    }
    check_output(out.flush())?;
    Ok(people.emptiness())
}

async fn save_people(
    gateway: &mut GatewayClient,
    mut people: PeopleReader,
    refused_max: u64,
    tally: &mut ImportTally,
) -> anyhow::Result<EmptyFile> {
    let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD);
    // Reading blocks, so it has a thread, which ends when the receiver is dropped.
    let reading = tokio::task::spawn_blocking(move || {
        while let Some(batch) = people.batch().transpose() {
            let failed = batch.is_err();
            if sender.blocking_send(batch).is_err() || failed {
                break;
            }
        }
        people.emptiness()
    });
    while let Some(batch) = batches.recv().await {
        let batch: Batch = batch?;
        let read = batch.read;
        send(gateway, batch, tally).await?;
        tally.progress(read);
        check_refused(tally, refused_max)?;
    }
    reading.await.context("cannot read the file")
}

/// Fails after too many refused lines.
fn check_refused(tally: &ImportTally, refused_max: u64) -> anyhow::Result<()> {
    ensure!(
        tally.refused < refused_max,
        "{} lines were refused: the rest was not read",
        tally.refused
    );
    Ok(())
}

/// Sends a batch until each of its people is saved or refused.
async fn send(
    gateway: &mut GatewayClient,
    batch: Batch,
    tally: &mut ImportTally,
) -> anyhow::Result<()> {
    let (mut people, mut refused) = (Vec::new(), Vec::new());
    for ImportItem { line, person } in batch.items {
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
                gateway.wait_after(error).await.map_err(with_advice)?;
                continue;
            }
        };
        let (done, transient) = settled(&answer, left.len());
        let before = refused.len();
        let settled_lines = answer.refused.iter().filter(|refusal| refusal.line <= done);
        refused.extend(settled_lines.filter_map(|RefusedLine { line, problem }| {
            let (line, _) = left.get(line.checked_sub(1)?)?;
            Some((*line, problem.words()))
        }));
        tally.saved += (done - (refused.len() - before).min(done)) as u64;
        left = &left[done..];
        if done > 0 {
            gateway.succeeded();
        }
        match transient {
            Some(refusal) => gateway.wait_after(refusal).await.map_err(with_advice)?,
            None if done == 0 => bail!("the gateway read none of the lines"),
            None => {}
        }
    }
    refused.sort_by_key(|(line, _)| *line);
    for (line, words) in &refused {
        tally.refuse(*line, words);
    }
    Ok(())
}

/// The number of sent lines that need no repeat, and the transient refusal of the next line, if
/// there is one.
fn settled(answer: &ImportReport, sent: usize) -> (usize, Option<RestError>) {
    let transient = answer
        .refused
        .iter()
        .find_map(|refusal| Some((refusal.line, refusal.transient()?)));
    match transient {
        Some((line, error)) => (line.saturating_sub(1).min(sent), Some(error)),
        None => (answer.lines.min(sent), None),
    }
}

/// The name for ids; `None` for standard input.
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
mod tests;

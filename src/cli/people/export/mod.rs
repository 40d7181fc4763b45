//! `export` writes all people, or those who match, page by page: memory stays bounded for any
//! number of people.

mod cells;

use std::io::{self, BufWriter, IsTerminal as _, Write};

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use people_client::rest::RestError;
use serde_json::{Map, Value};

use super::values::separator;
use crate::cli::flag_conflict::FlagConflict;
use crate::cli::gateway::{self, GatewayClient, GatewayFlags, with_filter_mark};
use crate::cli::terminal::{ClosedOutput, check_output, for_stdout, person_line, visible_lines};
use crate::domain::PersonId;
use cells::{Column, ExportColumns, TextCells};

/// The people of one page, the most that a gateway sends.
const PAGE_PEOPLE: u16 = 1000;

const EXAMPLES: &str = "\
Examples:
  people-gateway export > people.ndjson
      everyone; `import` reads the file
  people-gateway export --where 'attributes.city == \"Oslo\"' | jq -r .lastName
      the people who match a condition in CEL
  people-gateway export --format csv > people.csv
      as CSV, the attributes as JSON in one column; `import` reads the file
  people-gateway export --columns lastName,attributes.city --bom --separator ';'
      these columns only, for an Excel with decimal commas

The export has each person once, as it was at some moment of the export. In a terminal people are \
readable lines unless --format says otherwise. If the export fails midway, the command reports it, \
and the exit code is 1.

In CSV a text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a line \
end) gets an apostrophe in front, which `import` removes. --plain switches that off, in both \
commands.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct ExportFlags {
    /// Only people who match this condition in CEL [default: everyone]
    #[arg(
        long = "where",
        value_name = "EXPR",
        default_value = "",
        hide_default_value = true
    )]
    condition: String,
    /// The format [default: ndjson; csv with --columns; plain in a terminal]
    #[arg(long, value_name = "FORMAT")]
    format: Option<ExportFormat>,
    /// The columns of CSV: id, firstName, lastName, age, job, attributes, attributes.NAME,
    /// revision, createdAt, updatedAt [default: id,firstName,lastName,age,job,attributes]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Vec<Column>,
    /// The separator of CSV: one character, or `tab`
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = separator)]
    separator: u8,
    /// Begin CSV with a byte order mark, by which Excel recognises UTF-8
    #[arg(long)]
    bom: bool,
    /// Write cells of CSV unchanged: without the apostrophe before texts that a spreadsheet would
    /// take for formulas
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    gateway: GatewayFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// One line of JSON for each person, as the server sends it
    Ndjson,
    /// Cells, with a line of headings
    Csv,
    /// One readable line for each person
    Plain,
}

pub(in crate::cli) fn export(flags: ExportFlags) -> anyhow::Result<()> {
    let format = flags.format.unwrap_or_else(|| {
        match (flags.columns.is_empty(), io::stdout().is_terminal()) {
            (false, _) => ExportFormat::Csv,
            (true, true) => ExportFormat::Plain,
            (true, false) => ExportFormat::Ndjson,
        }
    });
    for (given, flag) in [
        (!flags.columns.is_empty(), "--columns"),
        (flags.bom, "--bom"),
        (flags.plain, "--plain"),
    ] {
        if format != ExportFormat::Csv && given {
            let fault = format!("{flag} is for CSV: add --format csv");
            bail!(FlagConflict::new("export", fault));
        }
    }
    gateway::run(async {
        let mut gateway = flags.gateway.client()?;
        let texts = if flags.plain {
            TextCells::Plain
        } else {
            TextCells::Protected
        };
        let columns = ExportColumns::new(flags.columns, flags.separator, texts);
        let terminal = io::stdout().is_terminal();
        let out: Box<dyn Write> = match format {
            // anstream removes colours outside terminals. In data it could remove data.
            ExportFormat::Plain => Box::new(anstream::stdout()),
            ExportFormat::Ndjson | ExportFormat::Csv => Box::new(BufWriter::new(io::stdout())),
        };
        let mut writer = ExportWriter {
            format,
            columns,
            bom: flags.bom,
            terminal,
            out,
            people: 0,
        };
        write_pages(&mut gateway, &flags.condition, &mut writer)
            .await
            .map_err(|error| match writer.people {
                0 => error,
                _ if error.is::<ClosedOutput>() => error,
                people => {
                    anyhow!("the export is incomplete, it ended after {people} people: {error:#}")
                }
            })
    })
}

async fn write_pages(
    gateway: &mut GatewayClient,
    condition: &str,
    writer: &mut ExportWriter,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = gateway
            .call(async |rest| rest.page(condition, after, PAGE_PEOPLE).await)
            .await;
        let page = page.map_err(|error: RestError| with_filter_mark(error, condition))?;
        if after.is_none() {
            writer.begin()?;
        }
        for line in page.lines.lines() {
            after = Some(writer.person(line)?);
        }
        writer.flush()?;
        if !page.more {
            return Ok(());
        }
        after.context("the gateway sent an empty page and a link to the next one")?;
    }
}

struct ExportWriter {
    format: ExportFormat,
    columns: ExportColumns,
    /// Whether CSV begins with a byte order mark.
    bom: bool,
    /// Whether standard output is a terminal, which needs visible texts.
    terminal: bool,
    out: Box<dyn Write>,
    people: u64,
}

impl ExportWriter {
    fn begin(&mut self) -> anyhow::Result<()> {
        match self.format {
            ExportFormat::Csv => {
                let mark = if self.bom { "\u{feff}" } else { "" };
                check_output(write!(self.out, "{mark}{}", self.columns.headings()))
            }
            ExportFormat::Ndjson | ExportFormat::Plain => Ok(()),
        }
    }

    /// Writes a person, and returns its id.
    fn person(&mut self, line: &str) -> anyhow::Result<PersonId> {
        let object: Map<String, Value> =
            serde_json::from_str(line).context("the gateway sent a line that is not a person")?;
        let id = object
            .get("id")
            .and_then(Value::as_str)
            .and_then(|id| id.parse().ok());
        let id = id.context("the gateway sent a person without an id")?;
        let text = match self.format {
            ExportFormat::Ndjson => for_stdout(line).into_owned() + "\n",
            ExportFormat::Csv if self.terminal => {
                visible_lines(&self.columns.row(&object)).into_owned()
            }
            ExportFormat::Csv => self.columns.row(&object),
            ExportFormat::Plain => person_line(&object) + "\n",
        };
        check_output(self.out.write_all(text.as_bytes()))?;
        self.people += 1;
        Ok(id)
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        check_output(self.out.flush())
    }
}

/// These people as CSV with the default columns, for tests of the import.
#[cfg(test)]
pub(super) fn csv(people: &[Map<String, Value>], separator: u8, plain: bool) -> String {
    let texts = if plain {
        TextCells::Plain
    } else {
        TextCells::Protected
    };
    let columns = ExportColumns::new(Vec::new(), separator, texts);
    people
        .iter()
        .fold(columns.headings(), |csv, person| csv + &columns.row(person))
}

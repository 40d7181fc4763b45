//! `export`: everyone, or everyone who matches, page by page, so that memory is bounded whatever
//! their number.

mod cells;

use std::io::{self, BufWriter, IsTerminal as _, Write};

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use people_client::rest::RestError;
use serde_json::{Map, Value};

use super::gateway::{self, Gateway, GatewayFlags, ReaderGone, told_of_filter, written};
use super::shown::{self, visible_lines};
use crate::domain::PersonId;
use cells::{Column, Columns, Texts};

/// People of one answer, the most that a gateway gives.
const PAGE: u16 = 1000;

const EXAMPLES: &str = "\
Examples:
  people-gateway export > people.ndjson
      everyone; `import` takes it back
  people-gateway export --where 'attributes.city == \"Oslo\"' | jq -r .lastName
      who matches, in CEL
  people-gateway export --format csv > people.csv
      as CSV, the attributes as JSON in one column; `import` takes it back
  people-gateway export --columns lastName,attributes.city --bom --separator ';'
      these columns only, for Excel where numbers have a decimal comma

Each person once, as it was at some moment of the export. In a terminal people are lines to read \
unless --format says otherwise. When something goes wrong midway, that is told, and the exit code \
is 1.

In CSV a text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a line \
end) gets an apostrophe in front, which `import` takes away again. --plain, for both commands, \
leaves that.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportFlags {
    /// Only people on whom this holds, in CEL [default: everyone]
    #[arg(
        long = "where",
        value_name = "EXPR",
        default_value = "",
        hide_default_value = true
    )]
    condition: String,
    /// How people are written [default: ndjson; csv with --columns; plain in a terminal]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// The columns of CSV: id, firstName, lastName, age, job, attributes, attributes.NAME,
    /// revision, createdAt, updatedAt [default: id,firstName,lastName,age,job,attributes]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Vec<Column>,
    /// What stands between the cells of CSV: one character, or `tab`
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = super::separator)]
    separator: u8,
    /// CSV begins with a byte order mark, by which Excel knows that it is UTF-8
    #[arg(long)]
    bom: bool,
    /// Cells of CSV as they are: without the apostrophe before what a spreadsheet would take for a
    /// formula
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    gateway: GatewayFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line of JSON a person, as the server sends it
    Ndjson,
    /// Cells, with a line of headings
    Csv,
    /// A line to read a person
    Plain,
}

pub(super) fn run(flags: ExportFlags) -> anyhow::Result<()> {
    let format = flags.format.unwrap_or_else(|| {
        match (flags.columns.is_empty(), io::stdout().is_terminal()) {
            (false, _) => Format::Csv,
            (true, true) => Format::Plain,
            (true, false) => Format::Ndjson,
        }
    });
    for (given, flag) in [
        (!flags.columns.is_empty(), "--columns"),
        (flags.bom, "--bom"),
        (flags.plain, "--plain"),
    ] {
        if format != Format::Csv && given {
            super::usage("export", &format!("{flag} is for CSV: say --format csv"));
        }
    }
    gateway::run(async {
        let mut gateway = flags.gateway.gateway()?;
        let texts = if flags.plain {
            Texts::Plain
        } else {
            Texts::Protected
        };
        let columns = Columns::new(flags.columns, flags.separator, texts);
        let terminal = io::stdout().is_terminal();
        let out: Box<dyn Write> = match format {
            // Colours are for terminals. What anstream takes for colours in data is the data's own.
            Format::Plain => Box::new(anstream::stdout()),
            Format::Ndjson | Format::Csv => Box::new(BufWriter::new(io::stdout())),
        };
        let mut writer = Writer {
            format,
            columns,
            mark: flags.bom,
            terminal,
            out,
            people: 0,
        };
        export(&mut gateway, &flags.condition, &mut writer)
            .await
            .map_err(|error| match writer.people {
                0 => error,
                _ if error.is::<ReaderGone>() => error,
                people => {
                    anyhow!("the export is not whole, it ended after {people} people: {error:#}")
                }
            })
    })
}

async fn export(gateway: &mut Gateway, condition: &str, writer: &mut Writer) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = gateway
            .call(async |rest| rest.page(condition, after, PAGE).await)
            .await;
        let page = page.map_err(|error: RestError| told_of_filter(error, condition))?;
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
        after.context("the gateway says that there is more, after nobody")?;
    }
}

struct Writer {
    format: Format,
    columns: Columns,
    /// A byte order mark comes first.
    mark: bool,
    /// People's texts are not to steer it.
    terminal: bool,
    out: Box<dyn Write>,
    people: u64,
}

impl Writer {
    fn begin(&mut self) -> anyhow::Result<()> {
        match self.format {
            Format::Csv => {
                let mark = if self.mark { "\u{feff}" } else { "" };
                written(write!(self.out, "{mark}{}", self.columns.headings()))
            }
            Format::Ndjson | Format::Plain => Ok(()),
        }
    }

    /// Writes a person, and says who it was.
    fn person(&mut self, line: &str) -> anyhow::Result<PersonId> {
        let object: Map<String, Value> =
            serde_json::from_str(line).context("the gateway sent a line that is no person")?;
        let id = object
            .get("id")
            .and_then(Value::as_str)
            .and_then(|id| id.parse().ok());
        let id = id.context("the gateway sent a person without an id")?;
        let text = match self.format {
            Format::Ndjson => shown::for_stdout(line).into_owned() + "\n",
            Format::Csv if self.terminal => visible_lines(&self.columns.row(&object)).into_owned(),
            Format::Csv => self.columns.row(&object),
            Format::Plain => shown::line(&object) + "\n",
        };
        written(self.out.write_all(text.as_bytes()))?;
        self.people += 1;
        Ok(id)
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        written(self.out.flush())
    }
}

/// These people as CSV with the usual columns: what a test of the way back begins with.
#[cfg(test)]
pub(super) fn csv(people: &[Map<String, Value>], separator: u8, plain: bool) -> String {
    let texts = if plain {
        Texts::Plain
    } else {
        Texts::Protected
    };
    let columns = Columns::new(Vec::new(), separator, texts);
    people
        .iter()
        .fold(columns.headings(), |csv, person| csv + &columns.row(person))
}

//! Runs a document from top to bottom.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::documents::gateway::Gateway;
use crate::documents::markdown::{Block, all, read, root};
use crate::documents::shown::shows;
use crate::documents::terminal::Terminal;

/// The documents with commands: each has a test below.
const RUN: [&str; 7] = [
    "README.md",
    "docs/cli.md",
    "docs/clients.md",
    "docs/filters.md",
    "docs/operations.md",
    "docs/protocol.md",
    "examples/README.md",
];

/// The languages of what is run.
fn is_run(block: &Block) -> bool {
    ["sh", "console"].contains(&block.language.as_str())
}

/// A document that is being run.
struct Run {
    gateway: Gateway,
    background: HashMap<String, Terminal>,
    /// What the last `sh` block wrote, until a `text` block was compared with it.
    output: Option<String>,
}

fn run(name: &str) {
    assert!(RUN.contains(&name), "{name} is not in the list");
    let mut run = Run {
        gateway: Gateway::start(),
        background: HashMap::new(),
        output: None,
    };
    for block in read(Path::new(name)).blocks {
        if let Err(wrong) = run.block(&block) {
            panic!(
                "{name}:{}: {wrong}\n--- the block:\n{}",
                block.line, block.text
            );
        }
    }
    assert!(
        run.background.is_empty(),
        "{name}: nothing shows what {:?} wrote",
        run.background.keys()
    );
}

impl Run {
    fn block(&mut self, block: &Block) -> Result<(), String> {
        let output = self.output.take();
        if let Some(file) = block.note("file") {
            let text = self.gateway.command(&block.text);
            fs::write(self.gateway.folder().join(file), text).map_err(|error| error.to_string())?;
        }
        if let Some(file) = block.note("the file") {
            let text = fs::read_to_string(root().join(file)).map_err(|error| error.to_string())?;
            return if text.trim_end() == block.text {
                Ok(())
            } else {
                Err(format!("{file} is not this"))
            };
        }
        if let Some(reason) = block.note("not run") {
            return if reason.is_empty() {
                Err("why is it not run?".to_owned())
            } else {
                Ok(())
            };
        }
        if block.note("the welcome").is_some() {
            return compare(&block.text, &self.gateway.welcome());
        }
        if let Some(name) = block.note("output of") {
            let mut terminal = self
                .background
                .remove(name)
                .ok_or_else(|| format!("there is no {name}"))?;
            let is = |text: &str| shows(&block.text, &self.gateway.shown(text));
            return terminal
                .until(is)
                .map_err(|text| differs(&self.gateway.shown(&text)));
        }
        match block.language.as_str() {
            "sh" => match block.note("in the background") {
                Some(name) => self.start(name, &block.text),
                None => self
                    .script(&block.text)
                    .map(|written| self.output = Some(written)),
            },
            "console" => self.console(&block.text),
            "text" => compare(
                &block.text,
                &output.ok_or("it shows the output of nothing")?,
            ),
            _ => Ok(()),
        }
    }

    fn terminal(&self, script: &str) -> Terminal {
        Terminal::run(
            &self.gateway.command(script),
            self.gateway.folder(),
            &self.gateway.environment(),
        )
    }

    /// What it wrote first is waited for: by then it has connected.
    fn start(&mut self, name: &str, script: &str) -> Result<(), String> {
        let mut terminal = self.terminal(script);
        terminal
            .until(|text| text.contains("live"))
            .map_err(|text| differs(&text))?;
        self.background.insert(name.to_owned(), terminal);
        Ok(())
    }

    /// Runs all of it, and gives what it wrote.
    fn script(&self, script: &str) -> Result<String, String> {
        let (status, written) = self.terminal(script).end();
        match status {
            Some(status) if status.success() => Ok(self.gateway.shown(&written)),
            Some(status) => Err(format!("it failed, {status}, after it wrote\n{written}")),
            None => Err(format!("it did not end in time; it wrote\n{written}")),
        }
    }

    /// Runs command by command. Some are there to show how they fail.
    fn console(&self, text: &str) -> Result<(), String> {
        for step in format!("\n{text}").split("\n$ ").skip(1) {
            let more = step
                .split_inclusive('\n')
                .take_while(|line| line.ends_with("\\\n"))
                .count();
            let (command, shown) = step
                .match_indices('\n')
                .nth(more)
                .map_or((step, ""), |(at, _)| step.split_at(at));
            let (status, written) = self.terminal(command).end();
            status.ok_or_else(|| format!("{command} did not end in time"))?;
            compare(
                shown.trim_start_matches('\n'),
                &self.gateway.shown(&written),
            )
            .map_err(|wrong| format!("{command}: {wrong}"))?;
        }
        Ok(())
    }
}

fn compare(expected: &str, actual: &str) -> Result<(), String> {
    if shows(expected, actual) {
        Ok(())
    } else {
        Err(differs(actual))
    }
}

fn differs(actual: &str) -> String {
    format!("something else came back:\n{actual}")
}

#[test]
fn every_document_with_commands_is_run() {
    let with_commands = all()
        .into_iter()
        .filter(|path| read(path).blocks.iter().any(is_run));
    let names: Vec<String> = with_commands
        .map(|path| path.display().to_string())
        .collect();
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !RUN.contains(&name.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "they have commands, and no test: {missing:?}"
    );
}

#[test]
fn the_readme_can_be_followed() {
    run("README.md");
}

#[test]
fn the_page_of_the_command_line_can_be_followed() {
    run("docs/cli.md");
}

#[test]
fn the_page_of_clients_can_be_followed() {
    run("docs/clients.md");
}

#[test]
fn the_page_of_filters_can_be_followed() {
    run("docs/filters.md");
}

#[test]
fn the_page_of_operations_can_be_followed() {
    run("docs/operations.md");
}

#[test]
fn the_page_of_the_protocol_can_be_followed() {
    run("docs/protocol.md");
}

#[test]
fn the_page_of_examples_can_be_followed() {
    run("examples/README.md");
}

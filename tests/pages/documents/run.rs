//! Runs a document from top to bottom.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::documents::comparison::matches;
use crate::documents::gateway::Gateway;
use crate::documents::markdown::{Block, all, read, root};
use crate::documents::terminal::Terminal;

/// The documents with commands. Each has a test below.
const RUN: [&str; 8] = [
    "README.md",
    "docs/cli.md",
    "docs/clients.md",
    "docs/filters.md",
    "docs/operations.md",
    "docs/protocol.md",
    "docs/rights.md",
    "examples/README.md",
];

/// Whether the block's language is one that runs.
fn is_run(block: &Block) -> bool {
    ["sh", "console"].contains(&block.language.as_str())
}

/// The state while a document runs.
struct Run {
    gateway: Gateway,
    background: HashMap<String, Terminal>,
    /// The output of the last `sh` block, until a `text` block is compared with it.
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
        if let Err(error) = run.block(&block) {
            panic!(
                "{name}:{}: {error}\n--- the block:\n{}",
                block.line, block.text
            );
        }
    }
    assert!(
        run.background.is_empty(),
        "{name}: no block has the output of {:?}",
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
                Err(format!("{file} differs from the block"))
            };
        }
        if let Some(reason) = block.note("not run") {
            return if reason.is_empty() {
                Err("the note needs a reason".to_owned())
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
                .ok_or_else(|| format!("no script {name} runs"))?;
            let is = |text: &str| matches(&block.text, &self.gateway.with_document_addresses(text));
            return terminal
                .until(is)
                .map_err(|text| differs(&self.gateway.with_document_addresses(&text)));
        }
        match block.language.as_str() {
            "sh" => match block.note("in the background") {
                Some(name) => self.start(name, &block.text),
                None => self
                    .script(&block.text)
                    .map(|output| self.output = Some(output)),
            },
            "console" => self.console(&block.text),
            "text" => compare(
                &block.text,
                &output.ok_or("no script runs before this block")?,
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

    /// Starts a script in the background, and waits until it has connected.
    fn start(&mut self, name: &str, script: &str) -> Result<(), String> {
        let mut terminal = self.terminal(script);
        terminal
            .until(|text| text.contains("live"))
            .map_err(|text| differs(&text))?;
        self.background.insert(name.to_owned(), terminal);
        Ok(())
    }

    /// Runs a script, and returns its output.
    fn script(&self, script: &str) -> Result<String, String> {
        let (status, output) = self.terminal(script).end();
        match status {
            Some(status) if status.success() => Ok(self.gateway.with_document_addresses(&output)),
            Some(status) => Err(format!(
                "the script failed, {status}; its output:\n{output}"
            )),
            None => Err(format!(
                "the script did not end in time; its output:\n{output}"
            )),
        }
    }

    /// Runs one command after the other. A command may fail, as an example of an error.
    fn console(&self, text: &str) -> Result<(), String> {
        for step in format!("\n{text}").split("\n$ ").skip(1) {
            let more = step
                .split_inclusive('\n')
                .take_while(|line| line.ends_with("\\\n"))
                .count();
            let (command, expected) = step
                .match_indices('\n')
                .nth(more)
                .map_or((step, ""), |(at, _)| step.split_at(at));
            let (status, output) = self.terminal(command).end();
            status.ok_or_else(|| format!("{command} did not end in time"))?;
            compare(
                expected.trim_start_matches('\n'),
                &self.gateway.with_document_addresses(&output),
            )
            .map_err(|error| format!("{command}: {error}"))?;
        }
        Ok(())
    }
}

fn compare(expected: &str, actual: &str) -> Result<(), String> {
    if matches(expected, actual) {
        Ok(())
    } else {
        Err(differs(actual))
    }
}

fn differs(actual: &str) -> String {
    format!("the actual output is:\n{actual}")
}

#[test]
fn every_document_with_commands_has_a_test() {
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
        "documents with commands, but without a test: {missing:?}"
    );
}

#[test]
fn the_readme_runs() {
    run("README.md");
}

#[test]
fn the_page_of_the_command_line_runs() {
    run("docs/cli.md");
}

#[test]
fn the_page_of_clients_runs() {
    run("docs/clients.md");
}

#[test]
fn the_page_of_filters_runs() {
    run("docs/filters.md");
}

#[test]
fn the_page_of_operations_runs() {
    run("docs/operations.md");
}

#[test]
fn the_page_of_rights_runs() {
    run("docs/rights.md");
}

#[test]
fn the_page_of_the_protocol_runs() {
    run("docs/protocol.md");
}

#[test]
fn the_page_of_examples_runs() {
    run("examples/README.md");
}

//! A file of runs: a line of JSON for each.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::runs::Run;

/// The runs that the file has; none where there is no file.
pub fn read(file: &Path) -> anyhow::Result<Vec<Run>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let runs = text.lines().map(serde_json::from_str);
    runs.collect::<Result<_, _>>()
        .with_context(|| format!("{} is not a file of runs", file.display()))
}

/// Appends a run.
pub fn append(file: &Path, run: &Run) -> anyhow::Result<()> {
    let mut out = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .with_context(|| file.display().to_string())?;
    writeln!(out, "{}", serde_json::to_string(run)?)?;
    Ok(())
}

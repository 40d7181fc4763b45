//! What a load reports while it runs, and the plans that its stages share.

use std::{fs, io};

use super::clients::{ConnectPlan, ReceiveBuffer};
use super::plan::{LoadMessage, LoadPlan};
use crate::say::say;

/// Writes a message to standard output.
pub(super) fn report(message: &LoadMessage) -> anyhow::Result<()> {
    Ok(say(&format!("{}\n", serde_json::to_string(message)?))?)
}

/// Reports that the measurement can begin, and waits until it has.
pub(super) fn begin() -> anyhow::Result<()> {
    report(&LoadMessage::Begin)?;
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}

/// How the plan's clients connect.
pub(super) fn connect_plan(plan: &LoadPlan) -> anyhow::Result<ConnectPlan> {
    let tokens = plan.tokens.as_ref().map(fs::read_to_string).transpose()?;
    Ok(ConnectPlan {
        server: plan.server,
        format: plan.format,
        topics: plan.topics,
        buffer: ReceiveBuffer::Default,
        from: None,
        tokens: tokens
            .iter()
            .flat_map(|text| text.lines().map(str::to_owned))
            .collect(),
    })
}

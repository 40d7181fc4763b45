//! Brings the layout in Redis up to the one that this program knows, once, whoever else is starting
//! at the same time.
//!
//! `migrations/README.md` says how a file is run. The lock keeps gateways from doing the same work
//! side by side; that nothing runs twice is kept by the script, which checks lock and version in
//! the same step as it migrates and records.

use std::time::Duration;

use ::redis::{Cmd, Value, cmd};
use tokio::time::Instant;

use super::OpenError;
use super::check::{Checked, ask};
use super::commands::fresh;
use super::keys::Keys;
use super::options::{Options, redacted};
use super::scripts::SCRIPTS;
use crate::domain::{Epoch, Partitions};
use crate::telemetry::clock::unix_millis;

/// The files of `migrations/`, in order; the number of the last one is the layout's version.
const MIGRATIONS: [(&str, &str); 1] = [(
    "0001_genesis",
    include_str!("../../../migrations/0001_genesis.lua"),
)];
/// The frame around a file, and the line of it that the file replaces.
const FRAME: &str = include_str!("scripts/migration.lua");
const PLACE: &str = "  -- MIGRATION --\n";
/// A lock that nobody gave back ends by itself.
const LOCK_TTL: Duration = Duration::from_secs(30);
/// Between two looks at a lock that another holds.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// The layout's version that this program knows.
const KNOWN: usize = MIGRATIONS.len();

/// What a run of the migrations found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The layout's version now.
    pub version: usize,
    /// The names of what this run applied, in order.
    pub applied: Vec<&'static str>,
    /// How many logs the deployment has.
    pub partitions: Partitions,
}

/// What the layout hash says; version 0 is an empty database.
struct Layout {
    version: usize,
    partitions: Option<u16>,
}

/// Checks the layout, and runs what is missing unless that is switched off.
pub(super) async fn run(options: &Options, checked: &mut Checked) -> Result<Report, OpenError> {
    let mut report = Report {
        version: KNOWN,
        applied: Vec::new(),
        partitions: options.partitions,
    };
    if read(options, checked).await?.version == KNOWN {
        return Ok(report);
    }
    if !options.migrate {
        return Err(OpenError::Fatal(format!(
            "the layout in {} is older than this program's: run people-gateway migrate, or set \
             store.migrate to true",
            redacted(&options.url)
        )));
    }
    let token = format!("{:x}", fresh());
    lock(options, checked, &token).await?;
    let outcome = run_locked(options, checked, &token, &mut report).await;
    // Given back also after a failure; where even that fails, it ends by itself.
    let mut unlock = SCRIPTS.unlock.call_by_text(&[&checked.keys.migrate_lock]);
    let unlocked = unlock.arg(&token).exec_async(&mut checked.connection).await;
    if let Err(error) = unlocked {
        tracing::warn!(%error, "the migration lock was not given back; it expires by itself");
    }
    outcome.map(|()| report)
}

async fn run_locked(
    options: &Options,
    checked: &mut Checked,
    token: &str,
    report: &mut Report,
) -> Result<(), OpenError> {
    let from = read(options, checked).await?.version;
    for (index, (name, body)) in MIGRATIONS.iter().enumerate().skip(from) {
        let command = migration(options, &checked.keys, token, index, name, body);
        let answer: String = ask(options, name, &command, &mut checked.connection).await?;
        if answer != "DONE" {
            return Err(OpenError::Unreachable(format!(
                "migration {name} was overtaken by another gateway's"
            )));
        }
        tracing::info!(migration = name, "migrated");
        report.applied.push(name);
    }
    Ok(())
}

/// The layout, if it is one that this program can serve.
async fn read(options: &Options, checked: &mut Checked) -> Result<Layout, OpenError> {
    let mut question = cmd("HMGET");
    question
        .arg(&checked.keys.layout)
        .arg("version")
        .arg("partitions");
    let (version, partitions): (Option<usize>, Option<u16>) = ask(
        options,
        "reading the layout",
        &question,
        &mut checked.connection,
    )
    .await?;
    let layout = Layout {
        version: version.unwrap_or(0),
        partitions,
    };
    let shown = redacted(&options.url);
    if layout.version > KNOWN {
        return Err(OpenError::Fatal(format!(
            "the layout in {shown} has version {}, and this program knows {KNOWN}: use a newer \
             people-gateway",
            layout.version
        )));
    }
    match layout.partitions {
        Some(there) if there != options.partitions.get() => Err(OpenError::Fatal(format!(
            "{shown} was laid out with {there} partitions under the prefix {:?}, and \
             store.partitions is {}: set store.partitions to {there}",
            options.prefix,
            options.partitions.get()
        ))),
        _ => Ok(layout),
    }
}

async fn lock(options: &Options, checked: &mut Checked, token: &str) -> Result<(), OpenError> {
    let deadline = Instant::now() + options.migration_wait;
    let mut take = cmd("SET");
    let ttl = u64::try_from(LOCK_TTL.as_millis()).expect("30 seconds fit");
    take.arg(&checked.keys.migrate_lock)
        .arg(token)
        .arg("NX")
        .arg("PX")
        .arg(ttl);
    loop {
        let answer: Value = ask(
            options,
            "taking the migration lock",
            &take,
            &mut checked.connection,
        )
        .await?;
        if answer != Value::Nil {
            return Ok(());
        }
        if Instant::now() + LOCK_POLL > deadline {
            return Err(OpenError::Unreachable(
                "another gateway is migrating the layout".to_owned(),
            ));
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
}

fn migration(
    options: &Options,
    keys: &Keys,
    token: &str,
    index: usize,
    name: &str,
    body: &str,
) -> Cmd {
    let mut names = vec![&*keys.layout, &*keys.migrate_lock];
    for partition in keys.partitions() {
        names.extend([
            &*partition.meta,
            &*partition.log,
            &*partition.people,
            &*partition.ids,
        ]);
    }
    let mut command = cmd("EVAL");
    command
        .arg(FRAME.replace(PLACE, body))
        .arg(names.len())
        .arg(&names);
    command
        .arg(token)
        .arg(index)
        .arg(index + 1)
        .arg(options.partitions.get())
        .arg(name)
        .arg(unix_millis());
    for _ in options.partitions.iter() {
        command.arg(Epoch::new(fresh()).to_string());
    }
    command
}

/// Writes layout and genesis again where they are missing; changes nothing where they exist.
pub(super) fn restore(keys: &Keys, partitions: Partitions) -> ::redis::Pipeline {
    let mut pipeline = ::redis::pipe();
    let mut layout = SCRIPTS.layout.call(&[&keys.layout]);
    layout.arg(KNOWN).arg(partitions.get()).arg(unix_millis());
    for (name, _) in MIGRATIONS {
        layout.arg(name);
    }
    pipeline.add_command(layout);
    for partition in keys.partitions() {
        let mut genesis = SCRIPTS.genesis.call(&[&partition.meta]);
        genesis.arg(Epoch::new(fresh()).to_string());
        pipeline.add_command(genesis);
    }
    pipeline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_compiled_in_under_its_number() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder")
            .map(|file| {
                file.expect("a file")
                    .file_name()
                    .into_string()
                    .expect("a name")
            })
            .filter(|name| name != "README.md")
            .collect();
        files.sort();
        let known: Vec<String> = MIGRATIONS
            .iter()
            .map(|(name, _)| format!("{name}.lua"))
            .collect();
        assert_eq!(files, known);
        for (index, name) in known.iter().enumerate() {
            assert!(
                name.starts_with(&format!("{:04}_", index + 1)),
                "{name} has another number than its place"
            );
        }
        assert_eq!(FRAME.matches(PLACE).count(), 1);
    }
}

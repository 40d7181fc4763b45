//! Brings the layout in Redis up to the version that this program knows, once, also when several
//! gateways start at the same time.
//!
//! `migrations/README.md` says how a file is run. The lock keeps gateways from doing the same work
//! side by side. The script makes sure that no migration runs twice: it checks lock and version in
//! the same step in which it migrates and records.

use std::time::Duration;

use ::redis::{Cmd, Value, cmd};
use tokio::time::Instant;

use super::commands::{KeyNames, fresh};
use super::connection::{CheckedConnection, ask, check};
use super::error::OpenError;
use super::options::{Options, redacted};
use super::scripts::SCRIPTS;
use crate::domain::{Epoch, Partitions};
use crate::telemetry::clock::unix_millis;

/// The files of `migrations/`, in order; the number of the last one is the layout's version.
const MIGRATIONS: [(&str, &str); 1] = [(
    "0001_genesis",
    include_str!("../../../migrations/0001_genesis.lua"),
)];
/// The script around a file, and the line that the file replaces.
const FRAME: &str = include_str!("scripts/migration.lua");
const PLACE: &str = "  -- MIGRATION --\n";
/// Time after which a lock that was not released expires.
const LOCK_TTL: Duration = Duration::from_secs(30);
/// Pause between two attempts to take the lock.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// The version of the layout that this program knows.
const KNOWN: usize = MIGRATIONS.len();

/// The result of a run of the migrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationReport {
    /// The version of the layout now.
    pub version: usize,
    /// The names of the migrations that this run applied, in order.
    pub applied: Vec<&'static str>,
    /// The number of logs.
    pub partitions: Partitions,
}

/// The content of the layout hash. Version 0 is an empty database.
struct Layout {
    version: usize,
    partitions: Option<u16>,
}

/// Brings the layout up to date for any value of [`Options::migrate`].
pub async fn migrate(options: Options) -> Result<MigrationReport, OpenError> {
    let options = Options {
        migrate: true,
        ..options
    };
    let mut checked = check(&options, fresh()).await?;
    run(&options, &mut checked).await
}

/// Checks the layout, and runs missing migrations unless [`Options::migrate`] is off.
pub(super) async fn run(
    options: &Options,
    checked: &mut CheckedConnection,
) -> Result<MigrationReport, OpenError> {
    let mut report = MigrationReport {
        version: KNOWN,
        applied: Vec::new(),
        partitions: options.partitions,
    };
    if read(options, checked).await?.version == KNOWN {
        return Ok(report);
    }
    if !options.migrate {
        return Err(OpenError::fatal(format!(
            "the layout in {} is older than this program's: run people-gateway migrate, or set \
             store.migrate to true",
            redacted(&options.url)
        )));
    }
    let token = format!("{:x}", fresh());
    lock(options, checked, &token).await?;
    let outcome = run_locked(options, checked, &token, &mut report).await;
    // Released also after a failure. If that fails too, the lock expires.
    let mut unlock = SCRIPTS.unlock.call_by_text(&[&checked.keys.migrate_lock]);
    let unlocked = unlock.arg(&token).exec_async(&mut checked.connection).await;
    if let Err(error) = unlocked {
        tracing::warn!(%error, "the migration lock was not released; it expires by itself");
    }
    outcome.map(|()| report)
}

async fn run_locked(
    options: &Options,
    checked: &mut CheckedConnection,
    token: &str,
    report: &mut MigrationReport,
) -> Result<(), OpenError> {
    let from = read(options, checked).await?.version;
    for (index, (name, body)) in MIGRATIONS.iter().enumerate().skip(from) {
        let command = migration(options, &checked.keys, token, index, name, body);
        let answer: String = ask(options, name, &command, &mut checked.connection).await?;
        if answer != "DONE" {
            return Err(OpenError::unreachable(format!(
                "migration {name} was overtaken by another gateway's"
            )));
        }
        tracing::info!(migration = name, "migrated");
        report.applied.push(name);
    }
    Ok(())
}

/// The layout, if this program can serve it.
async fn read(options: &Options, checked: &mut CheckedConnection) -> Result<Layout, OpenError> {
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
        return Err(OpenError::fatal(format!(
            "the layout in {shown} has version {}, and this program knows {KNOWN}: use a newer \
             people-gateway",
            layout.version
        )));
    }
    match layout.partitions {
        Some(there) if there != options.partitions.get() => Err(OpenError::fatal(format!(
            "{shown} was laid out with {there} partitions under the prefix {:?}, and \
             store.partitions is {}: set store.partitions to {there}",
            options.prefix,
            options.partitions.get()
        ))),
        _ => Ok(layout),
    }
}

/// Takes the lock, or waits for it within [`Options::migration_wait`].
async fn lock(
    options: &Options,
    checked: &mut CheckedConnection,
    token: &str,
) -> Result<(), OpenError> {
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
            return Err(OpenError::unreachable(
                "another gateway is migrating the layout",
            ));
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
}

/// The command that runs one file.
fn migration(
    options: &Options,
    keys: &KeyNames,
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

/// The commands that write layout and genesis where they are missing; they change nothing where
/// they exist.
pub(super) fn restore(keys: &KeyNames, partitions: Partitions) -> ::redis::Pipeline {
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
    fn every_migration_is_compiled_in_under_its_number() {
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
                "{name} has a number out of order"
            );
        }
        assert_eq!(FRAME.matches(PLACE).count(), 1);
    }
}

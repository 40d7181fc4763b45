//! Brings the layout in Redis up to the version that this program knows, once, also when several
//! gateways start at the same time.
//!
//! `migrations/README.md` says how a file is run: partition by partition, because a script may not
//! touch two of them. The lock keeps gateways from doing the same work side by side. The script
//! makes sure that no migration runs twice: it checks the partition's version in the same step in
//! which it migrates and records. The directory is written last.

use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, Value, cmd};
use tokio::time::Instant;

use super::check::ask;
use super::layout::{KNOWN, Layout, MIGRATIONS};
use super::servers::Servers;
use crate::domain::{Epoch, Partition, Partitions};
use crate::store::redis::commands::{KeyNames, fresh, slot};
use crate::store::redis::error::OpenError;
use crate::store::redis::options::Options;
use crate::store::redis::scripts::SCRIPTS;
use crate::store::redis::topology::Home;
use crate::store::redis::url::redacted;
use crate::telemetry::clock::unix_millis;

/// The script around a file, and the line that the file replaces.
const FRAME: &str = include_str!("../scripts/migration.lua");
const PLACE: &str = "  -- MIGRATION --\n";
/// Time after which a lock that was not released expires.
const LOCK_TTL: Duration = Duration::from_secs(30);
/// Pause between two attempts to take the lock.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Checks the layout, and runs missing migrations unless [`Options::migrate`] is off. Returns the
/// names of those that it ran.
pub(super) async fn run(
    options: &Options,
    servers: &mut Servers,
    layout: Layout,
    keys: &KeyNames,
) -> Result<Vec<&'static str>, OpenError> {
    if layout.version == KNOWN {
        return Ok(Vec::new());
    }
    if !options.migrate {
        return Err(OpenError::fatal(format!(
            "the layout in {} is older than this program's: run people-gateway migrate, or set \
             store.migrate to true",
            redacted(&options.url)
        )));
    }
    let token = format!("{:x}", fresh());
    // Its name has no hash tag, so it may lie elsewhere than the directory.
    let lock_slot = slot(&keys.migrate_lock);
    lock(options, servers.of_slot(lock_slot).await?, keys, &token).await?;
    let outcome = run_locked(options, servers, layout, keys).await;
    // Released also after a failure. If that fails too, the lock expires.
    let mut unlock = SCRIPTS.unlock.call_by_text(&[&keys.migrate_lock]);
    let connection = servers.of_slot(lock_slot).await?;
    if let Err(error) = unlock.arg(&token).exec_async(connection).await {
        tracing::warn!(%error, "the migration lock was not released; it expires by itself");
    }
    outcome
}

async fn run_locked(
    options: &Options,
    servers: &mut Servers,
    layout: Layout,
    keys: &KeyNames,
) -> Result<Vec<&'static str>, OpenError> {
    let mut applied = Vec::new();
    for partition in layout.partitions.iter() {
        let connection = servers.of(Home::Partition(partition)).await?;
        let from = version(options, layout, partition, keys, connection).await?;
        for (index, (name, body)) in MIGRATIONS.iter().enumerate().skip(from) {
            let command = migration(layout, keys, partition, index, (name, body));
            let answer: String = ask(options, name, &command, connection).await?;
            if answer != "DONE" {
                return Err(OpenError::unreachable(format!(
                    "migration {name} was overtaken by another gateway's"
                )));
            }
            if !applied.contains(name) {
                tracing::info!(migration = name, "migrated");
                applied.push(name);
            }
        }
    }
    let command = SCRIPTS.layout.call_by_text(&[&keys.directory]);
    let command = directory(command, layout.partitions, keys);
    let connection = servers.of(Home::Directory).await?;
    let _: Value = ask(options, "writing the layout", &command, connection).await?;
    Ok(applied)
}

/// The version of a partition's layout, if it is one of this deployment.
async fn version(
    options: &Options,
    layout: Layout,
    partition: Partition,
    keys: &KeyNames,
    connection: &mut MultiplexedConnection,
) -> Result<usize, OpenError> {
    let mut question = cmd("HMGET");
    question
        .arg(&keys.of(partition).layout)
        .arg("version")
        .arg("partitions");
    let (version, partitions): (Option<usize>, Option<u16>) = ask(
        options,
        "reading a partition's layout",
        &question,
        connection,
    )
    .await?;
    let wanted = layout.partitions.get();
    match partitions {
        Some(there) if there != wanted => Err(OpenError::fatal(format!(
            "{} has a partition of a deployment with {there} partitions under the prefix {:?}, and \
             store.partitions is {wanted}: set store.partitions to {there}",
            redacted(&options.url),
            options.prefix,
        ))),
        _ => Ok(version.unwrap_or(layout.version)),
    }
}

/// Takes the lock, or waits for it within [`Options::migration_wait`].
async fn lock(
    options: &Options,
    connection: &mut MultiplexedConnection,
    keys: &KeyNames,
    token: &str,
) -> Result<(), OpenError> {
    let deadline = Instant::now() + options.migration_wait;
    let mut take = cmd("SET");
    let ttl = u64::try_from(LOCK_TTL.as_millis()).expect("30 seconds fit");
    take.arg(&keys.migrate_lock)
        .arg(token)
        .arg("NX")
        .arg("PX")
        .arg(ttl);
    loop {
        let answer: Value = ask(options, "taking the migration lock", &take, connection).await?;
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

/// The command that runs one file for a partition.
fn migration(
    layout: Layout,
    keys: &KeyNames,
    partition: Partition,
    index: usize,
    (name, body): (&str, &str),
) -> Cmd {
    let names = keys.of(partition);
    let mut command = cmd("EVAL");
    command.arg(FRAME.replace(PLACE, body)).arg(5).arg(&[
        &names.layout,
        &names.meta,
        &names.log,
        &names.people,
        &names.ids,
    ]);
    command
        .arg(layout.version)
        .arg(index)
        .arg(index + 1)
        .arg(partition.get())
        .arg(layout.partitions.get())
        .arg(layout.tags.name())
        .arg(name)
        .arg(unix_millis())
        .arg(Epoch::new(fresh()).to_string());
    command
}

/// The arguments that write the directory; nothing changes where it is there.
fn directory(mut command: Cmd, partitions: Partitions, keys: &KeyNames) -> Cmd {
    command
        .arg(KNOWN)
        .arg(partitions.get())
        .arg(keys.tags.name())
        .arg(unix_millis());
    for (name, _) in MIGRATIONS {
        command.arg(name);
    }
    command
}

/// The command that writes the directory again where it is missing.
pub(in crate::store::redis) fn restore_directory(keys: &KeyNames, partitions: Partitions) -> Cmd {
    directory(SCRIPTS.layout.call(&[&keys.directory]), partitions, keys)
}

/// The command that writes layout and genesis of a partition again where they are missing.
pub(in crate::store::redis) fn restore_partition(
    keys: &KeyNames,
    partitions: Partitions,
    partition: Partition,
) -> Cmd {
    let names = keys.of(partition);
    let mut genesis = SCRIPTS.genesis.call(&[&names.meta, &names.layout]);
    genesis
        .arg(Epoch::new(fresh()).to_string())
        .arg(KNOWN)
        .arg(partition.get())
        .arg(partitions.get())
        .arg(keys.tags.name())
        .arg(unix_millis());
    for (name, _) in MIGRATIONS {
        genesis.arg(name);
    }
    genesis
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

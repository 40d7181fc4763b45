//! The layout that a deployment has, and the one that it is to get.

use std::num::NonZeroU16;

use ::redis::aio::MultiplexedConnection;
use ::redis::cmd;

use super::check::ask;
use crate::domain::Partitions;
use crate::store::redis::commands::{Tags, directory};
use crate::store::redis::connection::Discovery;
use crate::store::redis::error::OpenError;
use crate::store::redis::options::Options;
use crate::store::redis::url::redacted;

/// The files of `migrations/`, in order; the number of the last one is the layout's version.
pub(super) const MIGRATIONS: [(&str, &str); 2] = [
    (
        "0001_genesis",
        include_str!("../../../../migrations/0001_genesis.lua"),
    ),
    (
        "0002_layout_of_partitions",
        include_str!("../../../../migrations/0002_layout_of_partitions.lua"),
    ),
];
/// The version of the layout that this program knows.
pub(super) const KNOWN: usize = MIGRATIONS.len();
/// The version from which on partitions have searched tags, if they were laid out by it.
const SPREAD_SINCE: usize = 2;
/// The number of logs of a new deployment in a cluster: it is even on 3, 4, 6 and 12 masters.
const IN_A_CLUSTER: NonZeroU16 = NonZeroU16::new(12).expect("not zero");

/// The directory's content, completed by what a new deployment gets. Version 0 is an empty
/// database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) version: usize,
    pub(super) partitions: Partitions,
    pub(super) tags: Tags,
}

/// Version, partitions, tags.
type DirectoryAnswer = (Option<usize>, Option<u16>, Option<String>);

/// Reads the layout, if this program can serve it.
pub(super) async fn read(
    options: &Options,
    discovery: &Discovery,
    connection: &mut MultiplexedConnection,
) -> Result<Layout, OpenError> {
    let mut question = cmd("HMGET");
    question
        .arg(directory(&options.prefix))
        .arg("version")
        .arg("partitions")
        .arg("tags");
    let (version, partitions, tags): DirectoryAnswer =
        ask(options, "reading the layout", &question, connection).await?;
    let (version, shown) = (version.unwrap_or(0), redacted(&options.url));
    if version > KNOWN {
        return Err(OpenError::fatal(format!(
            "the layout in {shown} has version {version}, and this program knows {KNOWN}: use a \
             newer people-gateway"
        )));
    }
    let tags = match tags {
        Some(tags) => Tags::named(&tags).ok_or_else(|| {
            OpenError::fatal(format!(
                "the layout in {shown} has hash tags of the kind {tags:?}, which this program does \
                 not know: use a newer people-gateway"
            ))
        })?,
        None if version > 0 && version < SPREAD_SINCE => Tags::Plain,
        None => Tags::Spread,
    };
    let there = partitions.and_then(NonZeroU16::new).map(Partitions::new);
    let partitions = match (there, options.partitions) {
        (Some(there), Some(wanted)) if there != wanted => {
            return Err(OpenError::fatal(format!(
                "{shown} was laid out with {} partitions under the prefix {:?}, and \
                 store.partitions is {}: set store.partitions to {}",
                there.get(),
                options.prefix,
                wanted.get(),
                there.get()
            )));
        }
        (Some(there), _) => there,
        (None, Some(wanted)) => wanted,
        (None, None) if *discovery == Discovery::Cluster => Partitions::new(IN_A_CLUSTER),
        (None, None) => Partitions::ONE,
    };
    Ok(Layout {
        version,
        partitions,
        tags,
    })
}

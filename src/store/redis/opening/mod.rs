//! The opening of a deployment: who its masters are, whether they can be used, and the layout.

mod check;
mod layout;
mod migrate;
mod servers;

pub(super) use migrate::{restore_directory, restore_partition};

use std::sync::Arc;

use self::check::Doubts;
use self::layout::{KNOWN, Layout};
use self::servers::Servers;
use super::commands::{KeyNames, Naming, Publication, directory, fresh, slot};
use super::connection::{Discovery, Endpoint};
use super::error::OpenError;
use super::options::{Options, PubSub};
use super::topology::{Home, Map, NoMap, Peers, Remedy, map};
use super::url::redacted;
use crate::domain::{Partition, Partitions};

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

/// A deployment whose masters are checked, and whose layout is known.
pub(super) struct Opened {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) map: Map,
    pub(super) keys: Arc<KeyNames>,
    pub(super) partitions: Partitions,
    pub(super) applied: Vec<&'static str>,
}

/// Brings the layout up to date for any value of [`Options::migrate`].
///
/// # Errors
/// If the servers cannot be reached or used, or have another layout.
pub async fn migrate(options: Options) -> Result<MigrationReport, OpenError> {
    let options = Options {
        migrate: true,
        ..options
    };
    let opened = open(&options).await?;
    Ok(MigrationReport {
        version: KNOWN,
        applied: opened.applied,
        partitions: opened.partitions,
    })
}

/// Finds the masters, checks them, and brings the layout up to date.
pub(super) async fn open(options: &Options) -> Result<Opened, OpenError> {
    check::check_prefix(&options.prefix)?;
    let endpoint = Arc::new(Endpoint::read(options)?);
    let discovery = &endpoint.discovery;
    let map = masters(options, &endpoint).await?;
    let mut servers = Servers::new(&endpoint, options, map);
    let directory = servers.of_slot(slot(&directory(&options.prefix))).await?;
    check::check_kind(options, discovery, directory).await?;
    let layout = layout::read(options, discovery, directory).await?;
    let keys = keys(options, &endpoint, layout);
    servers.set_slots(keys.slots());
    check(options, &endpoint, &keys, &mut servers).await?;
    let applied = migrate::run(options, &mut servers, layout, &keys).await?;
    Ok(Opened {
        map: servers.map().clone(),
        partitions: layout.partitions,
        keys: Arc::new(keys),
        applied,
        endpoint,
    })
}

/// The first map.
async fn masters(options: &Options, endpoint: &Endpoint) -> Result<Map, OpenError> {
    if endpoint.discovery == Discovery::Named {
        return Ok(Map::of_one(&endpoint.named[0]));
    }
    let peers = Peers::new(options.connect_timeout.max(options.topology_timeout));
    let shown = redacted(&options.url);
    let why = match map(&peers, endpoint, &endpoint.named).await {
        Ok(map) => return Ok(map),
        Err(why) => why,
    };
    Err(match why {
        NoMap::NoCluster(_) => check::not_a_cluster(options),
        NoMap::UnknownMaster(_) => OpenError::fatal(format!(
            "{why} at {shown}: check the name after the slash (SENTINEL MASTERS lists the names)"
        )),
        NoMap::Refused(Remedy::Certificate, why) => OpenError::fatal(format!(
            "nobody at {shown} can be asked for the masters: {why}"
        )),
        NoMap::Refused(Remedy::Password, why) => {
            let setting = match endpoint.discovery {
                Discovery::Sentinel(_) => "store.sentinel.password, or the password in store.url",
                Discovery::Cluster | Discovery::Named => "the password in store.url",
            };
            OpenError::fatal(format!(
                "{shown} refuses to be asked ({why}): check {setting}"
            ))
        }
        NoMap::Unanswered(why) => {
            OpenError::unreachable(format!("nobody at {shown} names the masters: {why}"))
        }
    })
}

fn keys(options: &Options, endpoint: &Endpoint, layout: Layout) -> KeyNames {
    let pubsub = match options.pubsub {
        PubSub::Auto if endpoint.discovery == Discovery::Cluster => Publication::Sharded,
        PubSub::Auto | PubSub::Classic => Publication::Classic,
        PubSub::Sharded => Publication::Sharded,
    };
    KeyNames::new(Naming {
        prefix: &options.prefix,
        database: endpoint.database(),
        partitions: layout.partitions,
        tags: layout.tags,
        pubsub,
        probe: fresh(),
    })
}

/// Checks every master.
async fn check(
    options: &Options,
    endpoint: &Endpoint,
    keys: &KeyNames,
    servers: &mut Servers,
) -> Result<(), OpenError> {
    let mut doubts = Doubts::default();
    for (index, (master, partition)) in servers.masters().into_iter().enumerate() {
        let connection = servers.at(&master).await?;
        check::check_master(options, &endpoint.discovery, connection, &mut doubts).await?;
        let number = partition.and_then(|index| u16::try_from(index).ok());
        if let Some(partition) = number.map(Partition::new) {
            check::check_permissions(options, keys, Some(partition), connection).await?;
            check::check_publication(options, keys, partition, connection).await?;
        }
        if index == 0 {
            check::warn_of_settings(options, &endpoint.discovery, connection).await;
        }
    }
    doubts.tell();
    let directory = servers.of(Home::Directory).await?;
    check::check_permissions(options, keys, None, directory).await
}

//! The master that sentinels name.
//!
//! All sentinels are asked at once. The highest `config-epoch` counts: a sentinel that was cut off
//! or restarted has an older one. The sentinel that leads a failover answers
//! `GET-MASTER-ADDR-BY-NAME` with the promoted replica before it announces it, about a second
//! earlier; its other answer still has the old address and epoch. The server itself has the last
//! word: only `role:master` is believed.

use ::redis::{Value, cmd, pipe};
use futures_util::future::join_all;
use people_core::sabotage::{Sabotage, planted};

use super::fault::PeerFault;
use super::map::{Map, MapEpoch, NoMap};
use super::peers::{Peers, text};
use crate::store::redis::commands::SLOTS;
use crate::store::redis::connection::{Address, Endpoint};

/// What one sentinel says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Opinion {
    /// The master, and how new that is.
    Master(MapEpoch, Address),
    /// It does not know a master with this name.
    Unknown,
}

/// The master that these sentinels name, if it confirms that it is one.
pub(super) async fn map(
    peers: &Peers,
    endpoint: &Endpoint,
    name: &str,
    sentinels: &[Address],
) -> Result<Map, NoMap> {
    let asked = sentinels.iter().map(async |sentinel| {
        let opinion = ask(peers, endpoint, name, sentinel).await;
        opinion.map_err(|fault| (sentinel, fault))
    });
    let (mut opinions, mut faults) = (Vec::new(), Vec::new());
    for answer in join_all(asked).await {
        match answer {
            Ok(opinion) => opinions.push(opinion),
            Err(fault) => faults.push(fault),
        }
    }
    let is_answered = !opinions.is_empty();
    let Some((epoch, master)) = newest(opinions) else {
        return Err(if is_answered {
            NoMap::UnknownMaster(name.to_owned())
        } else {
            peers.no_map(faults)
        });
    };
    match is_master(peers, endpoint, &master).await {
        Ok(true) => Ok(Map {
            epoch,
            owners: vec![(0..=SLOTS - 1, master)],
            nodes: sentinels.to_vec(),
        }),
        Ok(false) => Err(NoMap::Unanswered(format!("{master} is not a master yet"))),
        Err(fault) => Err(peers.no_map(vec![(&master, fault)])),
    }
}

async fn ask(
    peers: &Peers,
    endpoint: &Endpoint,
    name: &str,
    sentinel: &Address,
) -> Result<Opinion, PeerFault> {
    let mut connection = peers
        .connection(sentinel, || endpoint.sentinel(sentinel))
        .await?;
    let mut pipeline = pipe();
    pipeline.cmd("SENTINEL").arg("MASTER").arg(name);
    pipeline
        .cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(name);
    let pipeline = pipeline.ignore_errors();
    let (master, address): (Value, Value) =
        peers.answer(pipeline.query_async(&mut connection)).await?;
    Ok(read(sentinel, &master, &address)?)
}

async fn is_master(
    peers: &Peers,
    endpoint: &Endpoint,
    server: &Address,
) -> Result<bool, PeerFault> {
    let mut connection = peers.connection(server, || endpoint.server(server)).await?;
    let mut info = cmd("INFO");
    info.arg("replication");
    let role: Value = peers.answer(info.query_async(&mut connection)).await?;
    Ok(text(&role).is_some_and(|info| info.lines().any(|line| line == "role:master")))
}

/// The newest of several opinions.
fn newest(opinions: impl IntoIterator<Item = Opinion>) -> Option<(MapEpoch, Address)> {
    let masters = opinions.into_iter().filter_map(|opinion| match opinion {
        Opinion::Master(epoch, address) => Some((epoch, address)),
        Opinion::Unknown => None,
    });
    if planted(Sabotage::OlderMapBelieved) {
        return masters.min_by_key(|(epoch, _)| *epoch);
    }
    masters.max_by_key(|(epoch, _)| *epoch)
}

/// Reads the answers to `SENTINEL MASTER` and `SENTINEL GET-MASTER-ADDR-BY-NAME`.
fn read(sentinel: &Address, master: &Value, address: &Value) -> Result<Opinion, String> {
    if let Value::ServerError(error) = master {
        let error = error.to_string();
        if error.contains("No such master") {
            return Ok(Opinion::Unknown);
        }
        return Err(error);
    }
    let unreadable = || "SENTINEL MASTER has an unknown form".to_owned();
    let parts: Vec<String> = match master {
        Value::Array(parts) => parts.iter().filter_map(text).collect(),
        Value::Map(pairs) => pairs
            .iter()
            .flat_map(|(k, v)| [k, v])
            .filter_map(text)
            .collect(),
        _ => return Err(unreadable()),
    };
    let field = |name: &str| {
        let mut pairs = parts.chunks_exact(2);
        pairs.find_map(|pair| (pair[0] == name).then(|| pair[1].as_str()))
    };
    let number: u64 = field("config-epoch")
        .and_then(|epoch| epoch.parse().ok())
        .ok_or_else(unreadable)?;
    let port = field("port")
        .and_then(|port| port.parse().ok())
        .ok_or_else(unreadable)?;
    let announced = sentinel.sibling(field("ip").ok_or_else(unreadable)?, port);
    // A sentinel that may not be asked this answers with an error.
    let current = match address {
        Value::Array(parts) => match (parts.first().and_then(text), parts.get(1).and_then(text)) {
            (Some(host), Some(port)) => port.parse().ok().map(|port| sentinel.sibling(&host, port)),
            _ => None,
        },
        _ => None,
    };
    let current = current.unwrap_or_else(|| announced.clone());
    let promotes = current != announced;
    Ok(Opinion::Master(MapEpoch { number, promotes }, current))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(texts: &[&str]) -> Value {
        let bulk = |text: &&str| Value::BulkString(text.as_bytes().to_vec());
        Value::Array(texts.iter().map(bulk).collect())
    }

    fn opinion(epoch: &str, port: &str, promoted: &str) -> Opinion {
        let asked = Address::new("sentinel", 26379);
        let master = [
            "name",
            "people",
            "ip",
            "10.0.0.1",
            "port",
            port,
            "config-epoch",
            epoch,
        ];
        read(&asked, &bulk(&master), &bulk(&["10.0.0.1", promoted])).expect("an opinion")
    }

    #[test]
    fn the_highest_epoch_counts_and_a_promotion_is_newer_than_its_epoch() {
        let [old, promoting, new] = [
            opinion("4", "1", "1"),
            opinion("4", "1", "2"),
            opinion("5", "3", "3"),
        ];
        let ports = |opinions: &[&Opinion]| {
            newest(opinions.iter().copied().cloned()).map(|(_, address)| address.port)
        };
        assert_eq!(ports(&[&old, &promoting]), Some(2));
        assert_eq!(ports(&[&new, &old, &promoting]), Some(3), "one was cut off");
        assert_eq!(ports(&[&Opinion::Unknown]), None);
    }

    #[test]
    fn an_answer_of_another_form_is_no_opinion() {
        let asked = Address::new("sentinel", 26379);
        for master in [Value::Nil, bulk(&["ip", "10.0.0.1"]), bulk(&["port", "x"])] {
            assert!(read(&asked, &master, &Value::Nil).is_err());
        }
    }
}

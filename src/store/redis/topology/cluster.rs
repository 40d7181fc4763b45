//! The map of a Redis Cluster, as one of its nodes has it.

use ::redis::{Value, pipe};

use super::fault::PeerFault;
use super::map::{Map, MapEpoch, NoMap};
use super::peers::{Peers, text};
use crate::store::redis::connection::{Address, Endpoint};

/// The map of the first of these nodes that gives one.
pub(super) async fn map(
    peers: &Peers,
    endpoint: &Endpoint,
    nodes: &[Address],
) -> Result<Map, NoMap> {
    let mut faults = Vec::new();
    for node in nodes {
        match ask(peers, endpoint, node).await {
            Ok(map) => return Ok(map),
            Err(fault) if fault.why.contains("cluster support disabled") => {
                return Err(NoMap::NoCluster(node.clone()));
            }
            Err(fault) => faults.push((node, fault)),
        }
    }
    Err(peers.no_map(faults))
}

async fn ask(peers: &Peers, endpoint: &Endpoint, node: &Address) -> Result<Map, PeerFault> {
    let mut connection = peers.connection(node, || endpoint.server(node)).await?;
    let mut pipeline = pipe();
    pipeline.cmd("CLUSTER").arg("SLOTS");
    pipeline.cmd("CLUSTER").arg("INFO");
    let (slots, info): (Value, Value) = peers.answer(pipeline.query_async(&mut connection)).await?;
    Ok(read(node, &slots, &info)?)
}

/// Reads the answers to `CLUSTER SLOTS` and `CLUSTER INFO` of the node at `asked`.
fn read(asked: &Address, slots: &Value, info: &Value) -> Result<Map, String> {
    let unreadable = || "CLUSTER SLOTS has an unknown form".to_owned();
    let Value::Array(ranges) = slots else {
        return Err(unreadable());
    };
    let mut map = Map {
        epoch: MapEpoch {
            number: epoch(info).ok_or("CLUSTER INFO tells no cluster_current_epoch")?,
            promotes: false,
        },
        owners: Vec::new(),
        nodes: Vec::new(),
    };
    for range in ranges {
        let Value::Array(parts) = range else {
            return Err(unreadable());
        };
        let [Value::Int(first), Value::Int(last), servers @ ..] = &parts[..] else {
            return Err(unreadable());
        };
        let slot = |number: &i64| u16::try_from(*number).map_err(|_| unreadable());
        let slots = slot(first)?..=slot(last)?;
        let servers: Vec<Address> = servers
            .iter()
            .map(|server| server_address(asked, server).ok_or_else(unreadable))
            .collect::<Result<_, _>>()?;
        let master = servers.first().ok_or_else(unreadable)?;
        map.owners.push((slots, master.clone()));
        for server in servers {
            if !map.nodes.contains(&server) {
                map.nodes.push(server);
            }
        }
    }
    Ok(map)
}

/// The address in `[host, port, id, ...]`. A missing host is that of the node that was asked.
fn server_address(asked: &Address, server: &Value) -> Option<Address> {
    let Value::Array(parts) = server else {
        return None;
    };
    let host = match parts.first()? {
        Value::Nil => String::new(),
        host => text(host)?,
    };
    let Value::Int(port) = parts.get(1)? else {
        return None;
    };
    Some(asked.sibling(&host, u16::try_from(*port).ok()?))
}

fn epoch(info: &Value) -> Option<u64> {
    text(info)?.lines().find_map(|line| {
        line.strip_prefix("cluster_current_epoch:")?
            .trim()
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn a_map_has_masters_replicas_and_an_epoch() {
        let server = |host: Value, port| Value::Array(vec![host, Value::Int(port), bulk("id")]);
        let slots = Value::Array(vec![
            Value::Array(vec![
                Value::Int(0),
                Value::Int(8191),
                server(bulk("10.0.0.1"), 7000),
                server(bulk("10.0.0.2"), 7001),
            ]),
            Value::Array(vec![
                Value::Int(8192),
                Value::Int(16383),
                server(Value::Nil, 7002),
            ]),
        ]);
        let info = bulk("cluster_state:ok\r\ncluster_current_epoch:6\r\ncluster_my_epoch:2\r\n");
        let asked = Address::new("db", 7002);
        let map = read(&asked, &slots, &info).expect("a map");
        assert_eq!(map.epoch.number, 6);
        assert_eq!(map.owner(8191), Some(&Address::new("10.0.0.1", 7000)));
        assert_eq!(map.owner(16383), Some(&asked), "a host that is not told");
        assert_eq!(map.nodes.len(), 3);
        assert_eq!(map.owner(8192), Some(&asked));
        for (slots, info) in [
            (Value::Nil, info.clone()),
            (slots, bulk("cluster_enabled:0")),
        ] {
            assert!(read(&asked, &slots, &info).is_err());
        }
    }
}

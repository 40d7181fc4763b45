//! The configuration files. A command line has no place for users, and a sentinel needs a file.

use std::fmt::Write as _;

use super::{MASTER_NAME, SentinelOptions};
use crate::authority::TlsFiles;
use crate::redis::Launch;

/// What a sentinel may do at a server.
pub(super) const SENTINEL_RULES: [&str; 12] = [
    "+multi",
    "+slaveof",
    "+ping",
    "+exec",
    "+subscribe",
    "+config|rewrite",
    "+role",
    "+publish",
    "+info",
    "+client|setname",
    "+client|kill",
    "+script|kill",
];
/// What a replica may do at its master.
pub(super) const REPLICA_RULES: [&str; 3] = ["+psync", "+replconf", "+ping"];
/// The user that sentinels are at a server, and the one that replicas are at their master.
pub(super) const SENTINEL_USER: &str = "sent";
pub(super) const REPLICA_USER: &str = "repl";

/// A server that is a master, or a replica of the master on this port.
pub(super) fn data_node(
    options: &SentinelOptions,
    master: Option<u16>,
    tls: Option<&TlsFiles>,
) -> Launch {
    let default = options
        .password
        .map_or("nopass".to_owned(), |it| format!(">{it}"));
    let (sentinel, replica) = (SENTINEL_RULES.join(" "), REPLICA_RULES.join(" "));
    let mut text = format!(
        "user default on {default} ~* &* +@all\n\
         user {SENTINEL_USER} on >sentinels &* {sentinel}\n\
         user {REPLICA_USER} on >replicas {replica}\n\
         masteruser {REPLICA_USER}\n\
         masterauth replicas\n\
         repl-diskless-sync-delay 0\n\
         min-replicas-to-write {}\n\
         min-replicas-max-lag 2\n",
        options.min_replicas_to_write
    );
    if let Some(port) = master {
        writeln!(text, "replicaof 127.0.0.1 {port}").expect("a string takes all");
    }
    Launch {
        configuration: Some(text),
        options: options.redis.iter().map(|&word| word.to_owned()).collect(),
        password: options.password.map(str::to_owned),
        ..Launch::default()
    }
    .behind_tls(tls)
}

/// A sentinel of the master on this port.
pub(super) fn sentinel(
    options: &SentinelOptions,
    master: u16,
    quorum: usize,
    tls: Option<&TlsFiles>,
) -> Launch {
    let SentinelOptions {
        down_after_ms,
        failover_timeout_ms,
        ..
    } = options;
    let mut text = format!(
        "sentinel monitor {MASTER_NAME} 127.0.0.1 {master} {quorum}\n\
         sentinel auth-user {MASTER_NAME} {SENTINEL_USER}\n\
         sentinel auth-pass {MASTER_NAME} sentinels\n\
         sentinel down-after-milliseconds {MASTER_NAME} {down_after_ms}\n\
         sentinel failover-timeout {MASTER_NAME} {failover_timeout_ms}\n\
         sentinel parallel-syncs {MASTER_NAME} 8\n"
    );
    if let Some(password) = options.sentinel_password {
        write!(
            text,
            "requirepass {password}\nsentinel sentinel-pass {password}\n"
        )
        .expect("a string takes all");
    }
    Launch {
        configuration: Some(text),
        options: vec!["--sentinel".to_owned()],
        password: options.sentinel_password.map(str::to_owned),
        ..Launch::default()
    }
    .behind_tls(tls)
}

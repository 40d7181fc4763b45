//! Parses the welcome of a gateway, which names its addresses as text or as JSON.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::ChildStdout;

use serde_json::Value;

/// Reads the welcome up to the addresses.
pub(super) fn welcome(stdout: ChildStdout) -> (BufReader<ChildStdout>, SocketAddr, SocketAddr) {
    let mut stdout = BufReader::new(stdout);
    let (mut public, mut line) = (None, String::new());
    loop {
        line.clear();
        assert_ne!(
            stdout.read_line(&mut line).expect("text"),
            0,
            "the program ended before it listened"
        );
        if let Ok(fields) = serde_json::from_str::<Value>(&line) {
            let address = |key: &str| {
                fields[key]
                    .as_str()?
                    .strip_prefix("http://")?
                    .split('/')
                    .next()?
                    .parse()
                    .ok()
            };
            let [public, admin] =
                ["REST and live updates", "admin"].map(|key| address(key).expect("an address"));
            return (stdout, public, admin);
        }
        let address = || {
            line.split_once("http://")?
                .1
                .split('/')
                .next()?
                .parse()
                .ok()
        };
        match (line.trim_start().split("  ").next(), address()) {
            (Some("REST and live updates"), address @ Some(_)) => public = address,
            (Some("admin"), Some(admin)) => {
                return (
                    stdout,
                    public.expect("the public address comes first"),
                    admin,
                );
            }
            _ => {}
        }
    }
}

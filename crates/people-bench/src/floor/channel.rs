//! The channel on which a gateway publishes changes, read with as little as it takes.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::{Due, number_behind};

/// Where the gateway publishes the changes of the one partition that benchmarks have.
const CHANNEL: &str = "{people.p0}:changes:0";
/// For the subscription to be confirmed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A subscription.
pub(super) struct Channel {
    pub(super) stream: TcpStream,
    /// What came of a message that is not whole yet.
    rest: Vec<u8>,
}

impl Channel {
    /// Subscribes at a Redis.
    pub(super) fn subscribe(redis: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(redis)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("SUBSCRIBE {CHANNEL}\r\n").as_bytes())?;
        let mut confirmed = Vec::new();
        // It ends with the number of channels.
        while !confirmed.ends_with(b":1\r\n") {
            let mut byte = [0];
            ensure!(stream.read(&mut byte)? == 1, "Redis took no subscription");
            confirmed.extend(byte);
        }
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            rest: Vec::new(),
        })
    }

    /// Takes what is there, and tells of each whole message what its clients are owed.
    pub(super) fn heard(&mut self, due: &mut Vec<Due>) -> anyhow::Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(count) => self.rest.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        let mut taken = 0;
        while let Some((payload, length)) = message(&self.rest[taken..]) {
            due.push(Due::of(payload, key(payload)).context("a change without a mark")?);
            taken += length;
        }
        self.rest.drain(..taken);
        Ok(())
    }
}

/// The payload of the message that bytes begin with, and how many of them it takes; none while it
/// is not whole. `*3 $7 message $N CHANNEL $N PAYLOAD`, each followed by CR LF (Redis serialization
/// protocol, version 2).
fn message(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let mut at = line(bytes, 0)?.1;
    let mut payload = &bytes[..0];
    for _ in 0..3 {
        let (length, next) = line(bytes, at)?;
        payload = bytes.get(next..next + length)?;
        at = next + length + 2;
    }
    (at <= bytes.len()).then_some((payload, at))
}

/// The number of a line like `$17`, and where the next one begins.
fn line(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let end = at + bytes.get(at..)?.iter().position(|byte| *byte == b'\n')?;
    let digits = bytes
        .get(at + 1..end)?
        .iter()
        .filter(|byte| byte.is_ascii_digit());
    Some((
        digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0')),
        end + 1,
    ))
}

/// The topic that a person's attributes name.
fn key(payload: &[u8]) -> Option<u32> {
    number_behind(br#""key":"k"#, payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_whole_and_one_by_one() {
        let two =
            b"*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$5\r\nhello\r\n*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n\
              $2\r\nyo\r\n";
        let (payload, length) = message(two).unwrap();
        assert_eq!(payload, b"hello");
        assert_eq!(message(&two[length..]).unwrap().0, b"yo");
        for cut in 0..length {
            assert!(message(&two[..cut]).is_none(), "{cut} bytes");
        }
    }

    #[test]
    fn the_topic_is_the_attribute_key() {
        assert_eq!(
            key(br#"1 x {"attributes":{"key":"k170","a":1}}"#),
            Some(170)
        );
        assert_eq!(key(b"{}"), None);
    }
}

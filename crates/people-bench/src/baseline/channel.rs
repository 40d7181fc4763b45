//! Reads the channel on which a gateway publishes changes, with as little work as possible.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::due::{DueChange, number_after};

/// The channel of the benchmarks' only partition.
const CHANNEL: &str = "{people.p0}:changes:0";
/// The time limit for Redis to confirm the subscription.
const PATIENCE: Duration = Duration::from_secs(10);

/// A subscription to the channel.
pub(super) struct ChangeChannel {
    pub(super) stream: TcpStream,
    /// The start of an incomplete message.
    rest: Vec<u8>,
}

impl ChangeChannel {
    /// Subscribes at this Redis.
    pub(super) fn subscribe(redis: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(redis)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("SUBSCRIBE {CHANNEL}\r\n").as_bytes())?;
        let mut confirmed = Vec::new();
        // The confirmation ends with the number of channels.
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

    /// Reads the channel, and appends the change of each complete message.
    pub(super) fn receive(&mut self, due: &mut Vec<DueChange>) -> anyhow::Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(count) => self.rest.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        let mut taken = 0;
        while let Some((payload, length)) = message(&self.rest[taken..]) {
            due.push(
                DueChange::of(payload, key(payload))
                    .context("a change without a sequence number")?,
            );
            taken += length;
        }
        self.rest.drain(..taken);
        Ok(())
    }
}

/// The payload of the first message in `bytes`, and the message's length; `None` if it is
/// incomplete. The message is `*3 $7 message $N CHANNEL $N PAYLOAD`, each followed by CR LF (Redis
/// serialization protocol, version 2).
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

/// The number in a line like `$17`, and the offset of the next line.
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

/// The topic in a person's attributes.
fn key(payload: &[u8]) -> Option<u32> {
    number_after(br#""key":"k"#, payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_messages_are_read_one_by_one() {
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

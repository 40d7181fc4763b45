//! Both ways of writing do the same: they write all that a socket takes, and report exactly that.

use std::io::Read as _;
use std::os::unix::net::UnixStream;

use bytes::Bytes;

use super::uring::Uring;
use super::{Calls, Egress};
use crate::domain::{Cursor, Epoch, Position};
use crate::history::Checkpoint;
use crate::protocol::close::CloseCode;
use crate::protocol::format::WireFormat;
use crate::session::{
    CatchUp, Connection, DeliveryOutcome, Notification, Options, Payload, ServeHandle,
    Subscription, WriteBatch,
};

/// More than one submission holds.
const SESSIONS: usize = 300;
/// More than a socket pair holds.
const LONG: usize = 4 * 1024 * 1024;

fn checkpoint(offset: u64) -> Checkpoint {
    Checkpoint {
        offset,
        cursor: Cursor::new([Position::start_of(Epoch::new(1))]),
    }
}

fn payload(frame: Bytes) -> Payload {
    let notification = Notification::framed(frame, checkpoint(1), checkpoint(2), false);
    Payload::Changes(WriteBatch::new(&[notification]).expect("one change"))
}

/// A session that is live, and its client.
fn session() -> (ServeHandle, UnixStream) {
    let (near, far) = UnixStream::pair().expect("two file descriptors");
    near.set_nonblocking(true).expect("a socket");
    let near = tokio::net::UnixStream::from_std(near).expect("a runtime");
    let subscription = Subscription {
        format: WireFormat::Json,
        ..Subscription::default()
    };
    let catch_up = CatchUp::replay(checkpoint(1));
    let drain = Connection::open(near.into(), subscription, catch_up, None);
    let session = drain.hand_over().expect("nothing waits");
    session.join().expect("it has caught up");
    (session, far)
}

/// Writes a short frame to each, one that is too long to the second, and any to the third, whose
/// client is gone.
fn check(egress: &mut dyn Egress) {
    let (short, long) = (
        payload(Bytes::from_static(b"a frame")),
        payload(vec![b'x'; LONG].into()),
    );
    let mut sessions: Vec<_> = (0..SESSIONS).map(|_| session()).collect();
    sessions[2].1 = UnixStream::pair().expect("two file descriptors").0;
    let options = Options::default();
    let payloads = sessions
        .iter()
        .enumerate()
        .map(|(number, (session, _))| (session, if number == 1 { &long } else { &short }));
    let mut pending: Vec<_> = payloads
        .map(|(session, payload)| {
            session
                .begin_write(payload, &options)
                .map_err(drop)
                .expect("nothing else waits")
        })
        .collect();
    egress.write(&mut pending);
    let deliveries: Vec<_> = pending
        .into_iter()
        .map(|write| write.finish(&options).2)
        .collect();
    for (number, delivery) in deliveries.iter().enumerate() {
        let expected = match number {
            1 => (DeliveryOutcome::Overflowed, true),
            2 => (DeliveryOutcome::Gone, false),
            _ => (DeliveryOutcome::Accepted, false),
        };
        assert_eq!(
            (delivery.outcome, delivery.drain.is_some()),
            expected,
            "session {number}"
        );
    }
    let left = sessions[1].0.left();
    assert!(
        0 < left && left < LONG,
        "{left} bytes wait, of one frame that is half-written"
    );
    for (number, (session, client)) in sessions.iter_mut().enumerate() {
        session.end(CloseCode::NORMAL);
        let mut read = Vec::new();
        client.set_nonblocking(true).expect("a socket");
        let _ = client.read_to_end(&mut read);
        match number {
            1 => assert_eq!(read.len(), LONG - left),
            2 => {}
            _ => assert_eq!(read, b"a frame", "session {number}"),
        }
    }
}

#[tokio::test]
async fn system_calls_write_all_that_the_sockets_take() {
    check(&mut Calls);
}

/// Passes without a check on a system without `io_uring`.
#[tokio::test]
async fn a_ring_writes_all_that_the_sockets_take() {
    let Ok(mut uring) = Uring::new() else { return };
    check(&mut uring);
    check(&mut uring);
}

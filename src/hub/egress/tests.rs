//! Both ways of writing do the same: all that a socket takes, and not a byte more than it says.

use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use bytes::Bytes;

use super::uring::Uring;
use super::{Calls, Egress};
use crate::domain::{Epoch, Position};
use crate::filter::View;
use crate::hub::outbox::{Delivery, Parcel};
use crate::hub::{Attend, Burst, Course, Options, Outbox, Place, Shown, Subscription};
use crate::protocol::cursor::Cursor;
use crate::protocol::dress::Dress;

/// More than one submission holds, and all of one.
const SESSIONS: usize = 300;
/// More than a socket pair holds.
const LONG: usize = 4 * 1024 * 1024;

fn place(offset: u64) -> Place {
    Place { offset, cursor: Cursor::new([Position::start_of(Epoch::new(1))]) }
}

fn parcel(frame: Bytes) -> Parcel {
    let shown = Shown { frame, before: place(1), after: place(2), ends: false, span: None };
    Parcel::Changes(Burst::new(&[shown]).expect("one change"))
}

/// A session that is live, and its client.
fn session() -> (Arc<Outbox>, UnixStream) {
    let (near, far) = UnixStream::pair().expect("two file descriptors");
    near.set_nonblocking(true).expect("a socket");
    let near = tokio::net::UnixStream::from_std(near).expect("a runtime");
    let subscription = Subscription { view: View::default(), dress: Dress::Json, close_on: None };
    let course = Course::Missed { from: place(1), owes_live: None };
    let outbox = Outbox::new(near.into(), subscription, course, None);
    assert!(outbox.begin_join());
    outbox.join().expect("it has caught up");
    (outbox, far)
}

/// Writes a short frame to each, one that is too long to the second, and any to the third, whose client is gone.
fn check(egress: &mut dyn Egress) {
    let (short, long) = (parcel(Bytes::from_static(b"a frame")), parcel(vec![b'x'; LONG].into()));
    let mut sessions: Vec<_> = (0..SESSIONS).map(|_| session()).collect();
    sessions[2].1 = UnixStream::pair().expect("two file descriptors").0;
    let options = Options::default();
    let parcels =
        sessions.iter().enumerate().map(|(number, (outbox, _))| (outbox, if number == 1 { &long } else { &short }));
    let mut sendings: Vec<_> = parcels
        .map(|(outbox, parcel)| outbox.begin(parcel, &options).map_err(drop).expect("nothing else waits"))
        .collect();
    egress.write(&mut sendings);
    let became: Vec<_> = sendings.into_iter().map(|sending| sending.finish(&options).2).collect();
    for (number, delivery) in became.iter().enumerate() {
        let expected = match number {
            1 => Delivery::Overflowed(Attend::Needed),
            2 => Delivery::Gone,
            _ => Delivery::Taken(Attend::Settled),
        };
        assert_eq!(*delivery, expected, "session {number}");
    }
    let left = sessions[1].0.left();
    assert!(0 < left && left < LONG, "{left} bytes wait, of one frame that is half-written");
    for (number, (outbox, client)) in sessions.iter_mut().enumerate() {
        outbox.end(crate::protocol::close::CloseCode::NORMAL);
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
async fn calls_write_what_the_sockets_take() {
    check(&mut Calls);
}

/// Where the system has no ring, the gateway does without; so does this test.
#[tokio::test]
async fn a_ring_writes_what_the_sockets_take() {
    let Ok(mut uring) = Uring::new() else { return };
    check(&mut uring);
    check(&mut uring);
}

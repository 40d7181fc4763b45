//! Joining the stream, and leaving it.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;

use super::super::Dispatcher;
use super::{caught_up, dispatcher, join, newest, open, subscription};
use crate::domain::{
    Change, Epoch, FieldsJson, LogPosition, Partition, Position, Seq, Tag, Timestamp,
};
use crate::history::Event;
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::format::WireFormat;
use crate::session::{CatchUp, DrainHandle, DrainStep, ServeHandle, SessionCommand};

pub(super) fn save(seq: u64) -> Event {
    save_as(seq, 36, "")
}

pub(super) fn save_aged(seq: u64, age: u8) -> Event {
    save_as(seq, age, "")
}

/// With a text among the attributes.
fn save_with(seq: u64, text: &str) -> Event {
    save_as(seq, 36, text)
}

fn save_as(seq: u64, age: u8, text: &str) -> Event {
    let json = format!(
        concat!(
            r#"{{"firstName":"n{seq}.","lastName":"L","age":{age},"job":"","#,
            r#""attributes":{{"text":"{text}"}}}}"#
        ),
        seq = seq,
        age = age,
        text = text
    );
    let position = Position {
        epoch: Epoch::new(1),
        seq: Seq::new(seq).unwrap(),
        tag: Tag::new(seq),
    };
    Event::Change(Change {
        at: LogPosition::new(Partition::new(0), position),
        previous: Tag::START,
        id: "0190f3e2-7c1b-7d9a-8f00-1234567890ab".parse().unwrap(),
        time: Timestamp::from_millis(0),
        created_at: Timestamp::from_millis(0),
        before: None,
        after: Some(FieldsJson::from_stored(&json).unwrap()),
        trace: None,
    })
}

/// Tests from outside cannot hit this window: it is too short.
#[tokio::test]
async fn changes_between_a_handshake_and_its_join_come_first_and_once() {
    let mut dispatcher = dispatcher();
    dispatcher.take_in(vec![save(1)]);
    let (near, peer) = UnixStream::pair().unwrap();
    let catch_up = CatchUp::replay(newest(&dispatcher));
    let handle = open(
        &dispatcher,
        near,
        subscription("", WireFormat::Text),
        catch_up,
    );

    dispatcher.take_in(vec![save(2), save(3)]);
    let session = handle.hand_over().expect("nothing waits");
    dispatcher.take_in(vec![save(4)]);
    join(&mut dispatcher, &session);
    dispatcher.take_in(vec![save(5)]);
    dispatcher.serve();

    assert_eq!(names(session, peer).await, ["n2.", "n3.", "n4.", "n5."]);
}

/// A live session for each filter, and its peer.
fn live(dispatcher: &mut Dispatcher, filters: &[&str]) -> Vec<(ServeHandle, UnixStream)> {
    let mut sessions = Vec::new();
    for filter in filters {
        let session = caught_up(dispatcher, subscription(filter, WireFormat::Text));
        join(dispatcher, &session.0);
        sessions.push(session);
    }
    sessions
}

/// Ends the session; returns all that its peer received.
async fn sent(session: ServeHandle, mut peer: UnixStream) -> String {
    session.end(CloseCode::ABNORMAL);
    let mut sent = Vec::new();
    peer.read_to_end(&mut sent).await.unwrap();
    String::from_utf8_lossy(&sent).into_owned()
}

/// Ends the session; returns the first names that its peer received.
async fn names(session: ServeHandle, peer: UnixStream) -> Vec<String> {
    let sent = sent(session, peer).await;
    sent.split("firstName=")
        .skip(1)
        .filter_map(|rest| rest.split(',').next())
        .map(str::to_owned)
        .collect()
}

fn serve_all(dispatcher: &mut Dispatcher) {
    while dispatcher.is_busy() {
        dispatcher.serve();
    }
}

/// A second handle for the drainer of a session that catches up. The session's own drainer was
/// spawned and has not run: nothing yields here.
fn drain_handle(session: &ServeHandle) -> DrainHandle {
    DrainHandle::of(session)
}

#[tokio::test]
async fn a_session_with_a_costly_filter_leaves_the_stream_and_the_others_go_on() {
    let mut dispatcher = dispatcher();
    let costly = "attributes.text.matches(\"[ab]*a[ab]{1000}c\")";
    let either = format!("{costly} || age == 36");
    let mut sessions = live(&mut dispatcher, &[&either, "age == 36"]);
    let long = "ab".repeat(1000);
    let begin = newest(&dispatcher);
    dispatcher.take_in(vec![save(1), save_with(2, &long), save(3)]);
    serve_all(&mut dispatcher);
    let (session, peer) = sessions.remove(0);
    assert!(session.slot().is_none(), "the session catches up");
    let handle = drain_handle(&session);
    let sent = &dispatcher.sessions.metrics().session_sent_bytes;
    let DrainStep::CatchUp(
        CatchUp::Replay {
            from,
            owes_live: None,
        },
        ..,
    ) = handle.next_step(dispatcher.sessions.now(), sent)
    else {
        panic!("the session does not replay")
    };
    let first = &dispatcher.history.after(begin.offset, 1).unwrap()[0];
    assert_eq!(
        from, first.checkpoint,
        "the replay begins after the first change"
    );
    let session = handle.hand_over().expect("nothing waits");
    join(&mut dispatcher, &session);
    assert!(
        session.slot().is_none(),
        "the dispatcher does not evaluate the costly filter when the session joins"
    );
    assert_eq!(names(session, peer).await, ["n1."]);
    let (session, peer) = sessions.remove(0);
    assert_eq!(names(session, peer).await, ["n1.", "n2.", "n3."]);
}

#[tokio::test]
async fn a_dismissed_session_gets_its_pending_changes_before_the_others() {
    let mut dispatcher = dispatcher();
    let mut sessions = live(&mut dispatcher, &[""; 3]);
    dispatcher.take_in(vec![save(1), save(2)]);
    let (session, peer) = sessions.remove(1);
    let close = Close::restart(Duration::from_secs(1));
    dispatcher.apply(SessionCommand::Dismiss(session.clone(), close));
    assert!(session.is_closing());
    let sent = sent(session, peer).await;
    let [first, second, close] =
        ["firstName=n1.", "firstName=n2.", "retry-ms=1000"].map(|text| sent.find(text));
    assert!(
        first.is_some() && first < second && second < close,
        "{sent:?}"
    );
    serve_all(&mut dispatcher);
    for (session, peer) in sessions {
        assert_eq!(names(session, peer).await, ["n1.", "n2."]);
    }
}

//! Joining the stream, and leaving it.

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::domain::{At, Epoch, FieldsJson, Partition, Position, Seq, Tag, Timestamp};
use crate::filter::View;
use crate::hub::{Flush, Options, Subscription};
use crate::protocol::dress::Dress;
use crate::telemetry::Metrics;

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
    let json =
        format!(r#"{{"firstName":"n{seq}.","lastName":"L","age":{age},"job":"","attributes":{{"text":"{text}"}}}}"#);
    let position = Position { epoch: Epoch::new(1), seq: Seq::new(seq).unwrap(), tag: Tag::new(seq) };
    Event::Change(Change {
        at: At::new(Partition::new(0), position),
        previous: Tag::START,
        id: "0190f3e2-7c1b-7d9a-8f00-1234567890ab".parse().unwrap(),
        time: Timestamp::from_millis(0),
        created_at: Timestamp::from_millis(0),
        before: None,
        after: Some(FieldsJson::from_stored(&json).unwrap()),
        trace: None,
    })
}

/// From outside this window is too short to be hit: between the place that a handshake took and the session's join.
#[tokio::test]
async fn what_was_published_between_a_sessions_place_and_its_join_is_shown_once_and_first() {
    let (hub, mut dispatcher) = Hub::new(Options::default(), Metrics::default());
    dispatcher.start(Cursor::new([Position::start_of(Epoch::new(1))]), Vec::new());
    dispatcher.take_in(vec![save(1)]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let subscription = Subscription { view: View::default(), dress: Dress::Text, close_on: None };
    let course = Course::Missed { from: hub.place().unwrap(), owes_live: None };
    let outbox = Outbox::new(listener.accept().await.unwrap().0.into(), subscription, course, None);

    dispatcher.take_in(vec![save(2), save(3)]);
    assert!(outbox.begin_join());
    dispatcher.take_in(vec![save(4)]);
    dispatcher.execute(Command::Join(Arc::clone(&outbox)));
    dispatcher.take_in(vec![save(5)]);
    dispatcher.serve();

    outbox.end(CloseCode::ABNORMAL);
    let mut sent = Vec::new();
    peer.read_to_end(&mut sent).await.unwrap();
    let sent = String::from_utf8_lossy(&sent).into_owned();
    let shown: Vec<_> = sent.split("firstName=").skip(1).filter_map(|rest| rest.split(',').next()).collect();
    assert_eq!(shown, ["n2.", "n3.", "n4.", "n5."]);
}

/// Sessions with these filters, live, and what their peers read.
async fn live(hub: &Arc<Hub>, dispatcher: &mut Dispatcher, filters: &[&str]) -> Vec<(Arc<Outbox>, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut sessions = Vec::new();
    for filter in filters {
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let view = View { filter: filter.parse().unwrap(), ..View::default() };
        let subscription = Subscription { view, dress: Dress::Text, close_on: None };
        let course = Course::Missed { from: hub.place().unwrap(), owes_live: None };
        let outbox = Outbox::new(listener.accept().await.unwrap().0.into(), subscription, course, None);
        assert!(outbox.begin_join());
        dispatcher.execute(Command::Join(Arc::clone(&outbox)));
        sessions.push((outbox, peer));
    }
    sessions
}

/// Who was sent what, once the session ended.
async fn shown(session: (Arc<Outbox>, TcpStream)) -> Vec<String> {
    let (outbox, mut peer) = session;
    outbox.end(CloseCode::ABNORMAL);
    let mut sent = Vec::new();
    peer.read_to_end(&mut sent).await.unwrap();
    let sent = String::from_utf8_lossy(&sent).into_owned();
    sent.split("firstName=").skip(1).filter_map(|rest| rest.split(',').next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn who_asks_for_what_takes_long_leaves_the_stream_where_it_comes_and_the_others_go_on() {
    let (hub, mut dispatcher) = Hub::new(Options::default(), Metrics::default());
    dispatcher.start(Cursor::new([Position::start_of(Epoch::new(1))]), Vec::new());
    let costly = "attributes.text.matches(\"[ab]*a[ab]{1000}c\")";
    let either = format!("{costly} || age == 36");
    let mut sessions = live(&hub, &mut dispatcher, &[&either, "age == 36"]).await;
    let long = "ab".repeat(1000);
    let begin = hub.place().unwrap();
    dispatcher.take_in(vec![save(1), save_with(2, &long), save(3)]);
    while dispatcher.is_busy() {
        dispatcher.serve();
    }
    let (outbox, peer) = sessions.remove(0);
    assert!(outbox.seat().is_none(), "it is served aside");
    let Flush::Behind(Course::Missed { from, owes_live: None }, ..) = hub.flush(&outbox) else {
        panic!("it has missed nothing")
    };
    assert_eq!(from, hub.after(begin.offset, 1).unwrap()[0].place, "it was shown what came before");
    assert!(outbox.begin_join());
    dispatcher.execute(Command::Join(Arc::clone(&outbox)));
    assert!(outbox.seat().is_none(), "nor does the dispatcher judge it when it joins");
    assert_eq!(shown((outbox, peer)).await, ["n1."]);
    assert_eq!(shown(sessions.remove(0)).await, ["n1.", "n2.", "n3."]);
}

#[tokio::test]
async fn who_is_dismissed_is_shown_first_what_the_others_are_shown_later() {
    let (hub, mut dispatcher) = Hub::new(Options::default(), Metrics::default());
    dispatcher.start(Cursor::new([Position::start_of(Epoch::new(1))]), Vec::new());
    let mut sessions = live(&hub, &mut dispatcher, &[""; 3]).await;
    dispatcher.take_in(vec![save(1), save(2)]);
    let (outbox, mut peer) = sessions.remove(1);
    dispatcher.execute(Command::Dismiss(Arc::clone(&outbox), Close::restart(std::time::Duration::from_secs(1))));
    assert!(outbox.is_closing());
    outbox.end(CloseCode::ABNORMAL);
    let mut sent = Vec::new();
    peer.read_to_end(&mut sent).await.unwrap();
    let sent = String::from_utf8_lossy(&sent).into_owned();
    let [first, second, close] = ["firstName=n1.", "firstName=n2.", "retry-ms=1000"].map(|text| sent.find(text));
    assert!(first.is_some() && first < second && second < close, "{sent:?}");
    while dispatcher.is_busy() {
        dispatcher.serve();
    }
    for session in sessions {
        assert_eq!(shown(session).await, ["n1.", "n2."]);
    }
}

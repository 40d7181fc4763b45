//! Readers of the wire as its standards define it: an RFC 6455 frame, a WHATWG event stream.

use bytes::Bytes;

/// A server-sent event as `EventSource` dispatches it to a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: String,
    /// Only the event's own id, not the last one of the stream.
    pub(crate) id: Option<String>,
}

/// The text of exactly one unfragmented, unmasked text frame with the shortest possible header.
pub(crate) fn text(frame: &Bytes) -> &str {
    assert_eq!(frame[0], 0x81, "a final text frame");
    let (header, length) = match frame[1] {
        short @ 0..126 => (2, usize::from(short)),
        126 => (
            4,
            usize::from(u16::from_be_bytes(frame[2..4].try_into().unwrap())),
        ),
        127 => (
            10,
            usize::try_from(u64::from_be_bytes(frame[2..10].try_into().unwrap())).unwrap(),
        ),
        masked => panic!("a masked frame: {masked:#x}"),
    };
    let least = [(4, 126), (10, 65_536)]
        .into_iter()
        .find(|(long, _)| *long == header)
        .map_or(0, |(_, least)| least);
    assert!(length >= least, "the header is longer than necessary");
    assert_eq!(frame.len(), header + length, "exactly one frame");
    std::str::from_utf8(&frame[header..]).unwrap()
}

/// All events of a stream: HTML Living Standard, section 9.2.6. A line ends with CR LF, LF or CR.
pub(crate) fn events(stream: &[u8]) -> Vec<Event> {
    let text = std::str::from_utf8(stream)
        .unwrap()
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let (mut events, mut event, mut data) = (Vec::new(), Event::default(), Vec::new());
    for line in text.split_terminator('\n') {
        if line.is_empty() {
            let ready = std::mem::take(&mut event);
            if !data.is_empty() {
                events.push(Event {
                    data: std::mem::take(&mut data).join("\n"),
                    ..ready
                });
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match field {
            "event" => event.name = value,
            "data" => data.push(value),
            "id" => event.id = Some(value),
            _ => {}
        }
    }
    events
}

/// The only event of a stream.
pub(crate) fn event(stream: &Bytes) -> Event {
    assert!(stream.ends_with(b"\n\n"), "the event is complete");
    let mut events = events(stream);
    assert_eq!(events.len(), 1, "{stream:?}");
    events.remove(0)
}

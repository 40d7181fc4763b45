//! Frames of peers that keep RFC 6455, and the close codes for frames that break it.

use super::peer::{
    BINARY, CLOSE, FIRST, Frame, LAST, MIDDLE, PING, PONG, Peer, TEXT, close, frame, frame_with,
};
use people_testing::process::{Gateway, person};
use people_testing::wait::DEADLINE;

const KIB: usize = 1024;

/// Sends bytes on a new connection; returns all frames that come back. The close timeout is longer
/// than the test, so only the bytes can end the connection.
async fn answer(gateway: &Gateway, bytes: &[u8]) -> Vec<Frame> {
    let mut peer = Peer::open(gateway.address, "/people").await;
    peer.send(bytes).await;
    peer.rest().await
}

async fn gateway() -> Gateway {
    Gateway::ready(&[("live.close_timeout_ms", "600000")]).await
}

/// Asserts that each case is answered with a close frame of `code` and nothing before it.
async fn assert_closed_with(code: u16, cases: Vec<(&str, Vec<u8>)>) {
    let gateway = gateway().await;
    for (name, bytes) in cases {
        let got = answer(&gateway, &bytes).await;
        let [Frame::Close(Some(closed), _), Frame::End] = &got[..] else {
            panic!("{name}: {got:?}")
        };
        assert_eq!(*closed, code, "{name}");
    }
}

fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    [
        &[first, u8::try_from(payload.len()).expect("short")],
        payload,
    ]
    .concat()
}

#[tokio::test]
async fn frames_that_break_the_protocol_are_closed_with_1002() {
    let mut cases = vec![
        ("an unmasked text", unmasked(TEXT, b"hi")),
        ("an unmasked ping", unmasked(PING, b"")),
        ("an unmasked close", unmasked(CLOSE, b"")),
        ("the first reserved bit", frame(TEXT | 0x40, b"hi")),
        ("the second reserved bit", frame(TEXT | 0x20, b"hi")),
        ("the third reserved bit", frame(TEXT | 0x10, b"hi")),
        ("a reserved bit of a ping", frame(PING | 0x40, b"")),
        (
            "a reserved bit of a continuation",
            [frame(FIRST, b"a"), frame(LAST | 0x10, b"b")].concat(),
        ),
        ("a ping of 126 bytes", frame(PING, &[0; 126])),
        ("a pong of 126 bytes", frame(PONG, &[0; 126])),
        ("a close of 126 bytes", close(1000, &[b'x'; 124])),
        ("a ping of 64 KiB", frame(PING, &[0; 65_536])),
        ("a ping in fragments", frame(PING & 0x7f, b"")),
        ("a pong in fragments", frame(PONG & 0x7f, b"")),
        ("a close in fragments", frame(CLOSE & 0x7f, b"")),
        ("a last fragment of nothing", frame(LAST, b"x")),
        ("a middle fragment of nothing", frame(MIDDLE, b"x")),
        (
            "a fragment behind a whole message",
            [frame(TEXT, b"all"), frame(LAST, b"x")].concat(),
        ),
        (
            "a text within a text",
            [frame(FIRST, b"a"), frame(TEXT, b"b")].concat(),
        ),
        (
            "a binary within a text",
            [frame(FIRST, b"a"), frame(BINARY, b"b")].concat(),
        ),
        (
            "a text within a binary",
            [frame(0x02, b"a"), frame(TEXT, b"b")].concat(),
        ),
        (
            "a second beginning",
            [frame(FIRST, b"a"), frame(FIRST, b"b")].concat(),
        ),
        ("a close of one byte", frame(CLOSE, &[3])),
        (
            "a short length in 16 bits",
            frame_with(TEXT, &[126, 0, 125], &[b'x'; 125]),
        ),
        (
            "a length of nothing in 16 bits",
            frame_with(PING, &[126, 0, 0], b""),
        ),
        (
            "a length of 16 bits in 64",
            frame_with(TEXT, &[127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], &[b'x'; 65_535]),
        ),
        (
            "a short length in 64 bits",
            frame_with(TEXT, &[127, 0, 0, 0, 0, 0, 0, 0, 1], b"x"),
        ),
        (
            "a length beyond 63 bits",
            frame_with(TEXT, &[127, 0x80, 0, 0, 0, 0, 0, 0, 0], b""),
        ),
    ];
    for opcode in (0x3..=0x7).chain(0xb..=0xf) {
        cases.push(("a reserved opcode", frame(0x80 | opcode, b"")));
    }
    assert_closed_with(1002, cases).await;
}

#[tokio::test]
async fn close_codes_that_a_peer_must_not_send_are_closed_with_1002() {
    let never = [
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ];
    assert_closed_with(
        1002,
        never
            .iter()
            .map(|code| ("a close code", close(*code, b"")))
            .collect(),
    )
    .await;
}

#[tokio::test]
async fn close_codes_that_a_peer_may_send_are_echoed() {
    let gateway = gateway().await;
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999,
    ] {
        let got = answer(&gateway, &close(code, b"")).await;
        assert_eq!(got, [Frame::Close(Some(code), String::new()), Frame::End]);
    }
    let longest = "é".repeat(61) + "x";
    let got = answer(&gateway, &close(1000, longest.as_bytes())).await;
    assert_eq!(got, [Frame::Close(Some(1000), String::new()), Frame::End]);
}

#[tokio::test]
async fn text_that_is_not_utf8_is_closed_with_1007() {
    let refused: Vec<(&str, Vec<u8>)> = vec![
        ("a lonely byte", frame(TEXT, &[0xff])),
        ("a surrogate", frame(TEXT, &[0xed, 0xa0, 0x80])),
        ("an overlong form", frame(TEXT, &[0xc0, 0xaf])),
        (
            "beyond the last character",
            frame(TEXT, &[0xf4, 0x90, 0x80, 0x80]),
        ),
        ("a character cut off", frame(TEXT, &[b'a', 0xe2, 0x82])),
        (
            "cut off over fragments",
            [frame(FIRST, &[0xe2]), frame(LAST, &[0x82])].concat(),
        ),
        (
            "spoilt in a later fragment",
            [frame(FIRST, &[0xe2, 0x82]), frame(LAST, b"x")].concat(),
        ),
        (
            "spoilt in the first fragment",
            [frame(FIRST, &[0xff]), frame(LAST, b"x")].concat(),
        ),
        ("a close reason", close(1000, &[0xff])),
        ("a close reason cut off", close(1000, &[b'a', 0xe2, 0x82])),
    ];
    assert_closed_with(1007, refused).await;
}

#[tokio::test]
async fn a_character_may_be_split_over_fragments() {
    let gateway = gateway().await;
    let euro = "€".as_bytes();
    let bytes = [
        frame(FIRST, &euro[..1]),
        frame(MIDDLE, &euro[1..2]),
        frame(LAST, &euro[2..]),
        frame(TEXT, b"stop"),
    ];
    assert_eq!(
        answer(&gateway, &[bytes.concat(), close(1000, b"")].concat()).await[0],
        stopped()
    );
}

fn stopped() -> Frame {
    Frame::Close(Some(1000), String::new())
}

#[tokio::test]
async fn a_message_of_more_than_64_kib_is_closed_with_1009_by_its_header_alone() {
    let header = |length: u64| frame_with(TEXT, &[&[127], &length.to_be_bytes()[..]].concat(), b"");
    let half = vec![b'x'; 32 * KIB];
    let cases = vec![
        ("one byte more", header(64 * 1024 + 1)),
        ("a gigabyte", header(1 << 30)),
        ("all that 63 bits say", header(u64::MAX >> 1)),
        (
            "a binary one",
            frame_with(BINARY, &[127, 0, 0, 0, 0, 0, 1, 0, 1], b""),
        ),
        (
            "over two fragments",
            [frame(FIRST, &half), frame_with(LAST, &[126, 0x80, 1], b"")].concat(),
        ),
        (
            "over three",
            [
                frame(FIRST, &half),
                frame(MIDDLE, &half),
                frame_with(LAST, &[1], b""),
            ]
            .concat(),
        ),
    ];
    assert_closed_with(1009, cases).await;
}

#[tokio::test]
async fn a_peer_that_is_sending_a_huge_message_gets_the_close_frame() {
    let gateway = Gateway::ready(&[("live.close_timeout_ms", "10000")]).await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    let huge = vec![b'x'; 8 * KIB * KIB];
    peer.send(&frame(TEXT, &huge)).await;
    assert!(matches!(peer.next().await, Frame::Close(Some(1009), _)));
}

#[tokio::test]
async fn a_message_of_exactly_64_kib_is_accepted() {
    let gateway = gateway().await;
    let quarter = vec![b'x'; 16 * KIB];
    let cases = [
        frame(TEXT, &vec![b'x'; 64 * KIB]),
        frame(BINARY, &vec![0xff; 64 * KIB]),
        [
            frame(FIRST, &quarter),
            frame(MIDDLE, &quarter),
            frame(MIDDLE, &quarter),
            frame(LAST, &quarter),
        ]
        .concat(),
    ];
    for bytes in cases {
        let got = answer(
            &gateway,
            &[bytes, frame(PING, b"ok"), close(1000, b"")].concat(),
        )
        .await;
        assert_eq!(got, [Frame::Pong(b"ok".to_vec()), stopped(), Frame::End]);
    }
}

#[tokio::test]
async fn pings_are_answered_with_their_payload_even_within_a_message() {
    let gateway = gateway().await;
    let longest: Vec<u8> = (0..125).collect();
    let mut peer = Peer::open(gateway.address, "/people").await;
    for payload in [&b""[..], b"x", &longest, &[0xff, 0x00]] {
        peer.send(&frame(PING, payload)).await;
        assert_eq!(peer.next().await, Frame::Pong(payload.to_vec()));
    }
    peer.send(&frame(FIRST, b"st")).await;
    peer.send(&frame(PING, b"within")).await;
    assert_eq!(peer.next().await, Frame::Pong(b"within".to_vec()));
    peer.send(&frame(PONG, b"nobody asked")).await;
    peer.send(&frame(LAST, b"op")).await;
    peer.send(&close(1000, b"")).await;
    assert_eq!(peer.rest().await, [stopped(), Frame::End]);
}

#[tokio::test]
async fn unsolicited_pongs_and_binary_and_empty_messages_are_ignored() {
    let gateway = gateway().await;
    let quiet = [
        frame(PONG, b""),
        frame(PONG, &[1; 125]),
        frame(BINARY, b""),
        frame(BINARY, b"stop"),
        frame(0x02, b"st"),
        frame(MIDDLE, b""),
        frame(LAST, b"op"),
        frame(TEXT, b""),
        frame(FIRST, b""),
        frame(MIDDLE, b""),
        frame(LAST, b""),
    ];
    let got = answer(
        &gateway,
        &[quiet.concat(), frame(PING, b"end"), close(3000, b"")].concat(),
    )
    .await;
    assert_eq!(
        got,
        [
            Frame::Pong(b"end".to_vec()),
            Frame::Close(Some(3000), String::new()),
            Frame::End
        ]
    );
}

#[tokio::test]
async fn frames_of_every_length_are_unmasked_correctly() {
    let gateway = Gateway::ready(&[("live.messages_per_second", "1000")]).await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    for length in 0..=125 {
        let payload: Vec<u8> = (0..length).map(|byte| byte ^ 0x5a).collect();
        peer.send(&frame(PING, &payload)).await;
        assert_eq!(peer.next().await, Frame::Pong(payload));
    }
    // A text is UTF-8 only when every byte was unmasked with its own byte of the mask.
    for length in (0..=130).chain([1000, 65_532, 65_533]) {
        let text = format!("{}{}", "x".repeat(length), "€");
        peer.send(&frame(TEXT, text.as_bytes())).await;
    }
    peer.say("stop").await;
    assert_eq!(peer.next_non_ping().await, stopped());
}

#[tokio::test]
async fn frames_may_arrive_byte_by_byte_or_many_at_once() {
    let gateway = gateway().await;
    let text = "€".repeat(50);
    let bytes = [
        frame(PING, b"one"),
        frame(FIRST, b"st"),
        frame(PING, b"two"),
        frame(LAST, b"op "),
        frame(TEXT, text.as_bytes()),
        frame(PING, b"three"),
        frame(TEXT, b"stop"),
        close(1000, b""),
    ]
    .concat();
    let pongs = ["one", "two", "three"].map(|payload| Frame::Pong(payload.into()));
    let expected = [&pongs[..], &[stopped(), Frame::End]].concat();
    assert_eq!(answer(&gateway, &bytes).await, expected, "at once");
    for piece in [1, 2, 3, 7, 64] {
        let mut peer = Peer::open(gateway.address, "/people").await;
        for bytes in bytes.chunks(piece) {
            peer.send(bytes).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(peer.rest().await, expected, "in pieces of {piece}");
    }
}

#[tokio::test]
async fn frames_in_the_same_packet_as_the_handshake_are_read() {
    let gateway = gateway().await;
    let early = [
        frame(PING, b"early"),
        frame(TEXT, b"deletes"),
        frame(FIRST, b"st"),
    ]
    .concat();
    let mut peer = Peer::connect(gateway.address).await;
    peer.send(&[super::peer::handshake("/people", &[]).as_bytes(), &early].concat())
        .await;
    peer.expect_upgrade().await;
    assert_eq!(peer.next().await, Frame::Pong(b"early".to_vec()));
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        let id = gateway.create(&person("Ada")).await;
        assert_eq!(gateway.delete(&id).await, 204);
        let Frame::Text(sentence) = peer.next().await else {
            panic!("a sentence")
        };
        if sentence == format!("Deleted person [{id}]") {
            break;
        }
        assert_eq!(
            peer.next().await,
            Frame::Text(format!("Deleted person [{id}]"))
        );
        assert!(
            tokio::time::Instant::now() < deadline,
            "the early command does not take effect"
        );
    }
    peer.send(&[frame(LAST, b"op"), close(1000, b"")].concat())
        .await;
    assert_eq!(peer.rest().await, [stopped(), Frame::End]);
}

#[tokio::test]
async fn all_frames_of_a_session_may_arrive_with_the_handshake() {
    let gateway = gateway().await;
    let mut peer = Peer::connect(gateway.address).await;
    let early = [frame(TEXT, b"stop"), close(1000, b"")].concat();
    peer.send(&[super::peer::handshake("/updates", &[]).as_bytes(), &early].concat())
        .await;
    peer.finish().await;
    peer.expect_upgrade().await;
    assert_eq!(peer.rest().await, [stopped(), Frame::End]);
}

//! Cursors and their texts.

use proptest::prelude::*;

use super::*;
use crate::{Epoch, Seq, Tag};

fn partitions(count: usize) -> Partitions {
    Partitions::new(NonZeroU16::new(u16::try_from(count).unwrap()).unwrap())
}

fn position() -> impl Strategy<Value = Position> {
    let parts = (any::<u64>(), 0..=Seq::MAX.get(), any::<u64>());
    parts.prop_map(|(epoch, seq, tag)| Position {
        epoch: Epoch::new(epoch),
        seq: Seq::new(seq).unwrap(),
        tag: Tag::new(tag),
    })
}

proptest! {
    #[test]
    fn a_cursor_survives_its_text(
        positions in prop::collection::vec(position(), 1..20),
    ) {
        let cursor = Cursor::new(positions.iter().copied());
        let text = cursor.to_string();
        prop_assert!(text.len() <= cursor.under(None).longest());
        prop_assert_eq!(Cursor::read(&text, partitions(positions.len())), Ok(cursor.clone()));
        prop_assert_eq!(text.parse(), Ok(cursor));
    }

    #[test]
    fn a_cursor_moves_in_one_partition_only(
        positions in prop::collection::vec(position(), 1..20),
        number in 0_u16..24,
        to in position(),
    ) {
        let cursor = Cursor::new(positions.iter().copied());
        let at = LogPosition::new(Partition::new(number), to);
        let mut moved = cursor.clone();
        moved.advance(at);
        prop_assert_eq!(&moved, &cursor.advanced(at));
        for (index, position) in positions.iter().enumerate() {
            let expected = if index == usize::from(number) { to } else { *position };
            prop_assert_eq!(moved.positions()[index], expected);
        }
        prop_assert_eq!(cursor.positions(), &positions[..]);
    }

    #[test]
    fn the_parts_of_a_cursor_may_have_any_order(
        (positions, order) in prop::collection::vec(position(), 1..20)
            .prop_flat_map(|positions| {
                let numbers: Vec<u16> = (0..).take(positions.len()).collect();
                (Just(positions), Just(numbers).prop_shuffle())
            })
    ) {
        let part = |number: &u16| {
            let position = positions[usize::from(*number)];
            LogPosition::new(Partition::new(*number), position).to_string()
        };
        let text = order.iter().map(part).collect::<Vec<_>>().join(",");
        let cursor = Cursor::new(positions.iter().copied());
        prop_assert_eq!(Cursor::read(&text, partitions(positions.len())), Ok(cursor));
    }

    #[test]
    fn any_text_is_a_cursor_or_an_error(
        text in "\\PC*|[0-9a-f:.,v]{0,120}", count in 1_usize..4,
    ) {
        if let Ok(cursor) = Cursor::read(&text, partitions(count)) {
            prop_assert_eq!(cursor.positions().len(), count);
        }
        if let Ok(cursor) = text.parse::<Cursor>() {
            prop_assert!(!cursor.positions().is_empty());
        }
    }

    #[test]
    fn a_cursor_keeps_the_rights_of_its_holder(
        positions in prop::collection::vec(position(), 1..20),
        number in any::<u64>(),
        to in position(),
    ) {
        let plain = Cursor::new(positions.iter().copied());
        let rights = Some(Fingerprint::new(number));
        let text = plain.under(rights).to_string();
        let part = format!(",v:{number:016x}");
        prop_assert_eq!(&text, &format!("{plain}{part}"));
        prop_assert!(text.len() <= plain.under(rights).longest());
        let mut cursor: Cursor = text.parse().unwrap();
        prop_assert_eq!(cursor.to_string(), text.as_str());
        prop_assert_eq!(Cursor::read(&text, partitions(positions.len())), Ok(cursor.clone()));
        prop_assert_eq!((cursor.rights(), cursor.positions()), (rights, plain.positions()));
        prop_assert!(cursor != plain);
        prop_assert_eq!(cursor.clone().without_rights(), plain.clone());
        let at = LogPosition::new(Partition::new(0), to);
        prop_assert_eq!(
            cursor.advanced(at).to_string(),
            format!("{}{part}", plain.advanced(at))
        );
        cursor.advance(at);
        prop_assert_eq!(cursor.to_string(), format!("{}{part}", plain.advanced(at)));
    }
}

#[test]
fn the_rights_are_one_part_of_sixteen_digits() {
    for text in ["0:1.1.1,v:0123456789abcdef", "v:0123456789abcdef,0:1.1.1"] {
        assert!(text.parse::<Cursor>().is_ok(), "{text}");
    }
    for text in [
        "v:0123456789abcdef",
        ",v:0123456789abcdef",
        "0:1.1.1,v:",
        "0:1.1.1,v:123456789abcdef",
        "0:1.1.1,v:00123456789abcdef",
        "0:1.1.1,v:0123456789ABCDEF",
        "0:1.1.1,v:+123456789abcdef",
        "0:1.1.1,w:0123456789abcdef",
        "0:1.1.1,v:0123456789abcdef,",
        "0:1.1.1,v:0123456789abcdef,v:0123456789abcdef",
    ] {
        assert!(text.parse::<Cursor>().is_err(), "{text}");
        assert!(Cursor::read(text, partitions(1)).is_err(), "{text}");
    }
}

#[test]
fn the_error_of_a_refused_text_names_its_fault() {
    let fault = |text: &str| Cursor::read(text, partitions(2)).unwrap_err().to_string();
    let not_position = "not a position: expected EPOCH.SEQ.TAG, epoch and tag in lower-case \
                        hex without leading zeros, seq in decimal up to 2^53";
    for (text, number) in [
        ("", 1),
        ("now", 1),
        ("0:1.1.1,", 2),
        ("0:1.1.1,1:1.9007199254740993.1", 2),
        ("0:1.1.1, 1:1.1.1", 2),
        ("0:1.1.1,1:1.1.1,", 3),
        ("+0:1.1.1,1:1.1.1", 1),
        ("65536:1.1.1", 1),
    ] {
        let expected =
            format!("part {number} of the cursor is not PARTITION:POSITION: {not_position}");
        assert_eq!(fault(text), expected, "{text}");
    }
    assert_eq!(
        fault("0:1.1.1"),
        "the cursor names no position in partition 1; it needs one of each partition"
    );
    assert_eq!(
        fault("0:1.1.1,0:1.1.1"),
        "the cursor names partition 0 twice"
    );
    assert_eq!(
        fault("0:1.1.1,2:1.1.1"),
        "the cursor names partition 2; the partitions here are 0 to 1"
    );
    let overlong = fault(&"0".repeat(133));
    assert_eq!(
        overlong,
        "the cursor has 133 bytes; one of 2 partition(s) has at most 132"
    );
    assert!(Cursor::read("1:2.9007199254740992.3,0:1.0.0", partitions(2)).is_ok());
}

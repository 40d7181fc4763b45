//! Positions survive their text, and other texts are refused.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn a_position_survives_its_text(
        epoch: u64, seq in 0..=Seq::MAX.get(), tag: u64, partition: u16,
    ) {
        let position = Position { epoch: Epoch(epoch), seq: Seq(seq), tag: Tag(tag) };
        prop_assert_eq!(position.to_string().parse(), Ok(position));
        let at = LogPosition::new(Partition(partition), position);
        prop_assert_eq!(at.to_string().parse(), Ok(at));
    }

    #[test]
    fn a_position_has_exactly_one_text(text in "[0-9a-f.A-F]{0,24}") {
        if let Ok(position) = text.parse::<Position>() {
            prop_assert_eq!(position.to_string(), text);
        }
    }
}

#[test]
fn different_tags_of_one_number_and_different_epochs_have_no_order() {
    let compare = |one: &str, other: &str| {
        let position = |text: &str| text.parse::<Position>().expect("a position");
        position(one).compare(position(other))
    };
    assert_eq!(compare("e.5.a", "e.5.a"), Comparison::Same);
    assert_eq!(compare("e.5.a", "e.6.b"), Comparison::Lower);
    assert_eq!(compare("e.6.b", "e.5.a"), Comparison::Higher);
    assert_eq!(compare("e.5.a", "e.5.b"), Comparison::Apart);
    assert_eq!(compare("e.5.a", "f.6.b"), Comparison::Apart);
}

#[test]
fn other_texts_are_no_positions() {
    for text in [
        "",
        "1.1",
        "1.1.1.1",
        "01.1.1",
        "1.01.1",
        "A.1.1",
        "1.+1.1",
        "1.9007199254740993.1",
        "11111111111111111.1.1",
        "1..1",
        " 1.1.1",
    ] {
        assert_eq!(text.parse::<Position>(), Err(InvalidPosition), "{text}");
    }
    assert!("1.9007199254740992.1".parse::<Position>().is_ok());
}

#[test]
fn the_partition_is_the_crc_of_the_lower_case_id() {
    // The check value of CRC-32 (IEEE 802.3) over "123456789" is cbf43926.
    let partitions = Partitions::new(NonZeroU16::new(1000).expect("not zero"));
    assert_eq!(
        partitions.of_text("123456789"),
        Partition((0xcbf4_3926_u32 % 1000) as u16)
    );
    let id: PersonId = "0190F3E2-7C1B-7D9A-8F00-1234567890AB"
        .parse()
        .expect("an id");
    assert_eq!(
        partitions.of(id),
        partitions.of_text("0190f3e2-7c1b-7d9a-8f00-1234567890ab")
    );
}

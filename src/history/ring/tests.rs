//! The entries that the ring keeps, and how it relates positions to them.

use super::*;
use crate::domain::{Change, Epoch, Partition, Position, Seq, Tag, Timestamp};

fn change(seq: u64) -> Event {
    let position = Position {
        epoch: Epoch::new(1),
        seq: Seq::new(seq).unwrap(),
        tag: Tag::new(seq),
    };
    Event::Change(Change {
        at: LogPosition::new(Partition::new(0), position),
        previous: Tag::new(seq - 1),
        id: "0190f3e2-7c1b-7d9a-8f00-1234567890ab".parse().unwrap(),
        time: Timestamp::from_millis(0),
        created_at: Timestamp::from_millis(0),
        before: None,
        after: None,
        trace: None,
    })
}

fn at(seq: u64, tag: u64) -> LogPosition {
    LogPosition::new(
        Partition::new(0),
        Position {
            epoch: Epoch::new(1),
            seq: Seq::new(seq).unwrap(),
            tag: Tag::new(tag),
        },
    )
}

#[test]
fn a_full_ring_drops_its_oldest_entries_and_serves_only_the_rest() {
    let mut ring = Ring::new(Cursor::new([at(0, 0).position]), 4 * size_of::<Entry>());
    assert!(
        ring.after(Checkpoint::BEFORE_MEMORY, 1).is_none(),
        "also from a ring that dropped nothing"
    );
    for seq in 1..=10 {
        ring.push(change(seq));
    }
    let start = ring.start.clone();
    assert!((1..5).contains(&(ring.end().offset - start.offset)));
    assert_eq!(ring.end().cursor, Cursor::new([at(10, 10).position]));
    assert!(ring.after(start.offset - 1, 10).is_none());
    let entries = ring.after(start.offset, 2).unwrap();
    assert_eq!(entries.first().unwrap().checkpoint.offset, start.offset + 1);
    assert_eq!(entries.len(), 2);
    assert_eq!(ring.after(ring.end().offset, 5).unwrap().len(), 0);
}

fn cursor(seq: u64, tag: u64) -> Cursor {
    Cursor::new([at(seq, tag).position])
}

#[test]
fn the_ring_locates_a_cursor_of_its_own_history_only() {
    let mut ring = Ring::new(cursor(3, 3), usize::MAX);
    for seq in 4..=9 {
        ring.push(change(seq));
    }
    for seq in 3..=9 {
        assert_eq!(ring.relation(at(seq, seq)), Relation::On);
        assert_eq!(
            ring.relation(at(seq, seq + 1)),
            Relation::Apart,
            "another history's entry of the same number"
        );
        let CursorLocation::At(found) = ring.locate(&cursor(seq, seq)) else {
            panic!("{seq} is in memory")
        };
        assert_eq!(found.cursor, cursor(seq, seq));
        assert!(
            ring.holds(&found)
                && !ring.holds(&Checkpoint {
                    offset: found.offset + 1,
                    ..found
                })
        );
        assert_eq!(
            ring.locate(&cursor(seq, 99)),
            CursorLocation::Apart(Partition::new(0))
        );
    }
    assert_eq!(ring.relation(at(2, 2)), Relation::Before);
    assert_eq!(ring.locate(&cursor(2, 2)), CursorLocation::Before(at(3, 3)));
    assert_eq!(ring.relation(at(10, 10)), Relation::Ahead);
    assert_eq!(
        ring.locate(&cursor(10, 10)),
        CursorLocation::At(ring.end().clone())
    );
    let other_epoch = Position {
        epoch: Epoch::new(2),
        ..at(5, 5).position
    };
    assert_eq!(
        ring.relation(LogPosition::new(Partition::new(0), other_epoch)),
        Relation::Apart
    );
}

#[test]
fn after_a_break_the_ring_trusts_only_the_new_history() {
    let mut ring = Ring::new(cursor(3, 3), usize::MAX);
    for seq in 4..=9 {
        ring.push(change(seq));
    }
    let (before, end) = (ring.history_id(), ring.end().clone());
    ring.push(Event::Reset(
        Partition::new(0),
        Discontinuity::Forked,
        at(5, 50).position,
    ));
    assert_eq!(ring.relation(at(5, 5)), Relation::Apart);
    assert_eq!(ring.relation(at(5, 50)), Relation::On);
    assert_eq!(
        ring.relation(at(4, 4)),
        Relation::Before,
        "the position may lead there: only the log knows"
    );
    assert_eq!(
        ring.relation(at(9, 9)),
        Relation::Ahead,
        "this gateway has not reached the number yet"
    );
    assert!(ring.holds(&ring.end().clone()) && !ring.holds(&end));
    assert_ne!(ring.history_id(), before);
    assert_eq!(ring.broken_after(end.offset), Some(Discontinuity::Forked));
    assert_eq!(ring.broken_after(ring.end().offset), None);
    assert_eq!(
        ring.broken_after(Checkpoint::BEFORE_MEMORY),
        None,
        "the checkpoint was never in this order"
    );
}

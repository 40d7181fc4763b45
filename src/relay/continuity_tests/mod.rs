//! Continuity delivers the log exactly, or resets, for any behaviour of the channel.

mod world;

use proptest::prelude::*;

use super::continuity::Action;
use crate::store::{Discontinuity, LogAnswer};
use world::{LOG_MAX, PAGE, Step, World, step};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn continuity_delivers_the_log_exactly_or_resets(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
        }
        prop_assert!(world.settle(), "the heads never proved that nothing is missing");
        let last = world.delivered.last().map_or(world.begin, |change| change.at.position);
        prop_assert_eq!(last, world.head(), "the whole log was delivered");
        if world.breaks == 0 && world.log.len() <= LOG_MAX {
            prop_assert_eq!(world.resets, 0, "history never broke");
            prop_assert_eq!(&world.delivered, &world.log);
        }
    }
}

#[test]
fn the_head_reveals_a_lost_last_frame() {
    let mut world = World::new();
    world.write();
    world.frames.clear();
    assert!(world.settle());
    assert_eq!(world.delivered, world.log);
}

#[test]
fn the_head_reveals_a_store_that_went_back_without_a_write() {
    let mut world = World::new();
    for _ in 0..3 {
        world.write();
        let (change, mut actions) = (world.frames.remove(0), Vec::new());
        world.continuity.frame(change, &mut actions);
        world.take(actions);
    }
    let (late, asked) = (world.log[0].at.position, world.log[0].at.position);
    let mut actions = Vec::new();
    assert!(
        world.continuity.head(late, asked, &mut actions),
        "the head was read before the last two frames arrived"
    );
    world.run(Step::Fork(2, 0));
    assert!(world.settle());
    assert_eq!((world.resets, world.begin), (1, late));
}

#[test]
fn a_frame_in_order_causes_no_question() {
    let mut world = World::new();
    for _ in 0..3 {
        world.write();
        let change = world.frames.remove(0);
        let mut actions = Vec::new();
        world.continuity.frame(change.clone(), &mut actions);
        assert_eq!(actions, [Action::Deliver(change)]);
    }
}

#[test]
fn a_repeated_frame_is_only_counted() {
    let mut world = World::new();
    world.write();
    let frame = world.frames.remove(0);
    let mut actions = Vec::new();
    world.continuity.frame(frame.clone(), &mut actions);
    actions.clear();
    world.continuity.frame(frame, &mut actions);
    assert_eq!(actions, [Action::Repeated]);
}

#[test]
fn a_forged_frame_causes_one_question_and_is_dropped() {
    let mut world = World::new();
    world.write();
    world.run(Step::Forge {
        seq: 9,
        tag: 5,
        epoch: true,
        chained: false,
    });
    assert!(world.question.is_some());
    world.run(Step::Answer);
    assert_eq!(
        world.question, None,
        "the question came after the frame, so one answer is enough"
    );
    assert_eq!(world.delivered, world.log);
}

#[test]
fn a_full_page_of_the_log_causes_the_next_question() {
    let mut world = World::new();
    (0..LOG_MAX).for_each(|_| world.write());
    world.run(Step::SuspectGap);
    for _ in 0..LOG_MAX.div_ceil(PAGE) {
        assert!(world.question.is_some(), "there is more");
        world.run(Step::Answer);
    }
    assert_eq!((world.question, &world.delivered), (None, &world.log));
}

#[test]
fn a_gap_suspected_during_a_question_causes_another_question() {
    let mut world = World::new();
    world.run(Step::SuspectGap);
    world.run(Step::SuspectGap);
    world.run(Step::Answer);
    assert!(
        world.question.is_some(),
        "the first answer may be older than the second suspicion"
    );
    world.run(Step::Answer);
    assert_eq!(world.question, None);
}

#[test]
fn an_answer_about_a_passed_position_causes_no_reset() {
    let mut world = World::new();
    world.run(Step::SuspectGap);
    for _ in 0..=LOG_MAX {
        world.write();
        let mut actions = Vec::new();
        let change = world.frames.remove(0);
        world.continuity.frame(change, &mut actions);
        world.take(actions);
    }
    assert!(matches!(
        world.since(world.question.unwrap()),
        LogAnswer::Broken {
            reason: Discontinuity::Trimmed,
            ..
        }
    ));
    world.run(Step::Answer);
    assert_eq!(
        world.resets, 0,
        "the frames have gone on since the question"
    );
    world.run(Step::Answer);
    assert_eq!((world.question, world.delivered.len()), (None, LOG_MAX + 1));
}

//! Continuity delivers the log exactly, or says by a reset that it does not, whatever the channel
//! does.

mod world;

use proptest::prelude::*;

use super::continuity::Action;
use crate::store::{Discontinuity, LogAnswer};
use world::{LOG_MAX, PAGE, Step, World, step};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_the_channel_does_the_log_comes_out_exactly_or_a_reset_says_so(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
        }
        prop_assert!(world.settle(), "the heads never proved that nothing is missing");
        let last = world.delivered.last().map_or(world.begin, |change| change.at.position);
        prop_assert_eq!(last, world.head(), "all that is in the log was delivered");
        if world.breaks == 0 && world.log.len() <= LOG_MAX {
            prop_assert_eq!(world.resets, 0, "history never broke");
            prop_assert_eq!(&world.delivered, &world.log);
        }
    }
}

#[test]
fn a_lost_last_frame_is_found_by_the_head() {
    let mut world = World::new();
    world.write();
    world.frames.clear();
    assert!(world.settle());
    assert_eq!(world.delivered, world.log);
}

#[test]
fn a_store_that_went_back_is_found_by_the_head_though_nobody_writes() {
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
        "it was read before the last two came"
    );
    world.run(Step::Fork(2, 0));
    assert!(world.settle());
    assert_eq!((world.resets, world.begin), (1, late));
}

#[test]
fn a_frame_in_order_costs_no_question() {
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
fn a_repeated_frame_is_counted_and_nothing_else() {
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
fn a_forged_frame_asks_the_log_once_and_is_dropped_by_its_answer() {
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
        "the log was asked after the frame came; there is nothing to ask again"
    );
    assert_eq!(world.delivered, world.log);
}

#[test]
fn a_full_page_of_the_log_is_followed_by_the_next() {
    let mut world = World::new();
    (0..LOG_MAX).for_each(|_| world.write());
    world.run(Step::Doubt);
    for _ in 0..LOG_MAX.div_ceil(PAGE) {
        assert!(world.question.is_some(), "there is more");
        world.run(Step::Answer);
    }
    assert_eq!((world.question, &world.delivered), (None, &world.log));
}

#[test]
fn a_doubt_that_comes_up_after_the_question_is_asked_again() {
    let mut world = World::new();
    world.run(Step::Doubt);
    world.run(Step::Doubt);
    world.run(Step::Answer);
    assert!(
        world.question.is_some(),
        "the first answer may be older than the second doubt"
    );
    world.run(Step::Answer);
    assert_eq!(world.question, None);
}

#[test]
fn an_answer_about_a_place_that_was_left_behind_resets_nothing() {
    let mut world = World::new();
    world.run(Step::Doubt);
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
    assert_eq!(world.resets, 0, "the frames had continued meanwhile");
    world.run(Step::Answer);
    assert_eq!((world.question, world.delivered.len()), (None, LOG_MAX + 1));
}

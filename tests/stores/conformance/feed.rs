//! The feed: a confirmation first, then every change as the log has it, probes, and a gap if the
//! reader is slow.

use super::SETUP;
use crate::backing::{Backing, for_every_store};
use crate::people::{
    ROOMY, changes, connected, count, delete, done, events, framed, id, probed, save,
};
use people_gateway::store::{FeedEvent, FeedLimits};

for_every_store!(
    a_feed_is_confirmed_before_its_first_frame,
    a_feed_carries_each_change_as_the_log_has_it,
    a_probe_comes_back_on_every_feed,
    an_unread_feed_reports_a_gap,
);

async fn a_feed_is_confirmed_before_its_first_frame(backing: &mut impl Backing) {
    let store = backing.store();
    done(&*store, save(id(1), "before")).await;
    let mut feed = store.feed(ROOMY);
    connected(&mut feed, store.partitions()).await;
    let at = done(&*store, save(id(1), "after")).await;
    let next = events(&mut feed, 1).await;
    assert_eq!(framed(&next[0]).map(|change| change.at), Some(at));
}

async fn a_feed_carries_each_change_as_the_log_has_it(backing: &mut impl Backing) {
    let store = backing.store();
    let starts = store.heads().await.unwrap();
    let mut feeds = [store.feed(ROOMY), store.feed(ROOMY)];
    for feed in &mut feeds {
        connected(feed, store.partitions()).await;
    }
    for number in 0..8 {
        done(&*store, save(id(number), "A")).await;
        assert!(store.apply(delete(id(100 + number))).await.is_ok());
        done(&*store, delete(id(number))).await;
    }
    for feed in &mut feeds {
        let published: Vec<_> = events(feed, 16).await.iter().filter_map(framed).collect();
        for (partition, start) in store.partitions().iter().zip(&starts) {
            let theirs: Vec<_> = published
                .iter()
                .filter(|change| change.at.partition == partition)
                .cloned()
                .collect();
            assert_eq!(theirs, changes(&*store, partition, *start).await.1);
        }
    }
}

async fn a_probe_comes_back_on_every_feed(backing: &mut impl Backing) {
    let store = backing.store();
    let mut feeds = [store.feed(ROOMY), store.feed(ROOMY)];
    for feed in &mut feeds {
        connected(feed, store.partitions()).await;
    }
    store.heads().await.unwrap();
    for feed in &mut feeds {
        probed(feed, store.partitions()).await;
    }
}

async fn an_unread_feed_reports_a_gap(backing: &mut impl Backing) {
    let store = backing.store();
    let mut narrow = store.feed(FeedLimits {
        events: count(3),
        bytes: count(1 << 20),
    });
    let mut roomy = store.feed(ROOMY);
    for feed in [&mut narrow, &mut roomy] {
        connected(feed, store.partitions()).await;
    }
    for number in 0..100 {
        done(&*store, save(id(number), "A")).await;
    }
    // When the roomy feed has all frames, the store has offered them to the narrow one too.
    let all = events(&mut roomy, 100).await;
    let kept = events(&mut narrow, 4).await;
    assert_eq!(kept.last(), Some(&FeedEvent::Gap));
    assert_eq!(
        kept[..3]
            .iter()
            .filter_map(framed)
            .collect::<Vec<_>>()
            .len(),
        3
    );
    assert!(kept[..3].iter().all(|event| all.contains(event)));
}

//! The text of `/metrics`: `OpenMetrics` 1.0, as strict parsers read it.

use super::{PREFIX, Scrape};
use people_testing::process::{Gateway, person};

#[tokio::test]
async fn the_text_follows_openmetrics_and_its_rules_for_names() {
    let gateway = Gateway::ready(&[]).await;
    gateway.create(&person("Ada")).await;
    let scrape = Scrape::of(&gateway).await;
    assert!(
        scrape.families.len() > 40,
        "{} families",
        scrape.families.len()
    );
    for (name, family) in &scrape.families {
        let good = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            && !name.ends_with("_total");
        assert!(
            good && (name.starts_with(PREFIX) || name.starts_with("process_")),
            "{name}"
        );
        assert!(family.help.len() > 8, "{name} has no help");
        assert!(
            !family.samples.is_empty(),
            "{name} has no series before its first event"
        );
        for sample in &family.samples {
            let suffixes: &[&str] = match family.kind.as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                "histogram" => &["_bucket", "_sum", "_count"],
                other => panic!("{name} is a {other}"),
            };
            let suffix = sample
                .name
                .strip_prefix(name.as_str())
                .expect("the family's name");
            assert!(
                suffixes.contains(&suffix),
                "{} in a {}",
                sample.name,
                family.kind
            );
            assert!(sample.value >= 0.0, "{sample:?}");
        }
        if family.kind == "histogram" {
            assert!(name.ends_with("_seconds"), "{name}");
            assert_buckets_add_up(family);
        }
    }
}

/// Asserts that the buckets of each series never fall, and that the last is the count.
fn assert_buckets_add_up(family: &super::Family) {
    let mut last = 0.0;
    let mut count = 0.0;
    for sample in &family.samples {
        match sample.labels.get("le").map(String::as_str) {
            None if sample.name.ends_with("_count") => (last, count) = (0.0, sample.value),
            None => {}
            Some(bound) => {
                assert!(sample.value >= last, "{sample:?}");
                last = sample.value;
                assert!(
                    bound != "+Inf" || (last - count).abs() < 0.5,
                    "{sample:?} of {count}"
                );
            }
        }
    }
}

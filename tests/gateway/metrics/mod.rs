//! `/metrics`: each number moves by exactly the test's events, and documents name only metrics that
//! exist.

mod documents;
mod exposition;
mod live;
mod redis;
mod requests;

use std::collections::BTreeMap;

use people_testing::process::Gateway;
use people_testing::wait::eventually;

/// The prefix of the gateway's own metrics.
const PREFIX: &str = "people_gateway_";

/// One answer of `/metrics`.
#[derive(Debug)]
struct Scrape {
    /// By name, as the lines `# TYPE` give it.
    families: BTreeMap<String, Family>,
}

/// A metric and its series.
#[derive(Debug)]
struct Family {
    kind: String,
    help: String,
    samples: Vec<Sample>,
}

/// One line of a family.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Scrape {
    async fn of(gateway: &Gateway) -> Self {
        let answer = reqwest::get(format!("http://{}/metrics", gateway.admin))
            .await
            .expect("an answer");
        Self::parse(&answer.text().await.expect("text"))
    }

    /// Parses `OpenMetrics` text strictly: the lines of a family are together, HELP and TYPE first.
    fn parse(text: &str) -> Self {
        let body = text
            .strip_suffix("# EOF\n")
            .expect("the text ends as OpenMetrics does");
        let (mut families, mut current): (BTreeMap<String, Family>, String) =
            (BTreeMap::new(), String::new());
        for line in body.lines() {
            if let Some((name, help)) = line
                .strip_prefix("# HELP ")
                .and_then(|rest| rest.split_once(' '))
            {
                name.clone_into(&mut current);
                let family = Family {
                    kind: String::new(),
                    help: help.to_owned(),
                    samples: Vec::new(),
                };
                assert!(
                    families.insert(current.clone(), family).is_none(),
                    "{name} comes twice"
                );
                continue;
            }
            let family = families.get_mut(&current).expect("help comes first");
            if let Some(typed) = line.strip_prefix("# TYPE ") {
                let (name, kind) = typed.split_once(' ').expect("a name and a type");
                assert_eq!(name, current);
                kind.clone_into(&mut family.kind);
            } else {
                family.samples.push(Sample::parse(line));
            }
        }
        Self { families }
    }

    /// A sample by its whole name and its labels, as in `deliveries_total{verdict="enter"}`;
    /// without labels the sum over all. The prefix is added.
    fn get(&self, key: &str) -> f64 {
        let wanted = Sample::parse(&format!("{PREFIX}{key} 0"));
        let samples = self.families.values().flat_map(|family| &family.samples);
        let fits = |sample: &&Sample| {
            sample.name == wanted.name
                && wanted
                    .labels
                    .iter()
                    .all(|(label, word)| sample.labels.get(label) == Some(word))
        };
        let found: Vec<f64> = samples.filter(fits).map(|sample| sample.value).collect();
        assert!(!found.is_empty(), "there is no {key}");
        found.iter().sum()
    }

    /// Like [`Self::get`], for a metric with whole numbers.
    fn count(&self, key: &str) -> u64 {
        let value = self.get(key);
        assert!(value >= 0.0 && value.fract() == 0.0, "{key} is {value}");
        format!("{value}").parse().expect("a whole number")
    }
}

impl Sample {
    fn parse(line: &str) -> Self {
        let (key, value) = line.rsplit_once(' ').expect("a name and a value");
        let (name, labels) = key.split_once('{').unwrap_or((key, "}"));
        let labels = labels.strip_suffix('}').expect("a closing brace");
        let pairs = labels.split_terminator("\",").map(|pair| {
            let (label, word) = pair.split_once("=\"").expect("a label");
            (label.to_owned(), word.trim_end_matches('"').to_owned())
        });
        Self {
            name: name.to_owned(),
            labels: pairs.collect(),
            value: value.parse().expect("a number"),
        }
    }
}

/// Waits until these metrics have these values: the gateway may count an event a moment after its
/// answer.
async fn wait_for_counts(gateway: &Gateway, expected: &[(&str, u64)]) {
    let differs = |scrape: &Scrape| {
        let found = expected
            .iter()
            .map(|(key, count)| (*key, scrape.count(key), *count));
        found
            .filter(|(_, found, count)| found != count)
            .collect::<Vec<_>>()
    };
    let last = std::cell::RefCell::new(String::new());
    let reached = eventually("the counts", || async {
        let differing = format!("{:?}", differs(&Scrape::of(gateway).await));
        let equal = differing == "[]";
        if last.replace(differing.clone()) != differing && !equal {
            eprintln!("metric, found, expected: {differing}");
        }
        equal
    });
    reached.await;
}

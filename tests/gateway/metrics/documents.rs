//! The table in docs/operations.md, the dashboard and the alert rules name the metrics that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use super::{PREFIX, Scrape};
use people_testing::process::Gateway;

/// The host in the alerts' links until an operator sets the one of their manual. RFC 2606 reserves
/// the name.
const RUNBOOKS: &str = "https://people-gateway.example";
/// Labels that Prometheus adds to every series.
const ADDED: [&str; 2] = ["instance", "job"];

fn read(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).expect("the file is there")
}

fn yaml(path: &str) -> Yaml {
    YamlLoader::load_from_str(&read(path))
        .expect("YAML")
        .remove(0)
}

/// A scrape in which every metric has a series: those of routes begin with the first request.
async fn scrape() -> Scrape {
    let gateway = Gateway::ready(&[]).await;
    gateway
        .request("GET", "/people")
        .send()
        .await
        .expect("an answer");
    Scrape::of(&gateway).await
}

/// Type and labels of each metric, by its name without our prefix.
fn described(scrape: &Scrape) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let describe = |(name, family): (&String, &super::Family)| {
        let labels = family
            .samples
            .iter()
            .flat_map(|sample| sample.labels.keys().cloned());
        let labels = labels.filter(|label| label != "le").collect();
        (
            name.strip_prefix(PREFIX).unwrap_or(name).to_owned(),
            (family.kind.clone(), labels),
        )
    };
    scrape.families.iter().map(describe).collect()
}

#[tokio::test]
async fn the_operations_manual_lists_every_metric_with_its_type_and_labels() {
    let manual = read("docs/operations.md");
    let section = manual
        .split("\n## Metrics\n")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .expect("a section");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let listed: BTreeMap<_, _> = rows
        .map(|row| {
            let cells: Vec<&str> = row
                .trim_matches('|')
                .splitn(4, '|')
                .map(str::trim)
                .collect();
            assert!(cells[3].len() > 3, "{row}");
            let labels = cells[2]
                .split(", ")
                .map(|label| label.trim_matches('`').to_owned());
            let labels: BTreeSet<String> = labels.filter(|label| !label.is_empty()).collect();
            (
                cells[0].trim_matches('`').to_owned(),
                (cells[1].to_owned(), labels),
            )
        })
        .collect();
    assert_eq!(listed, described(&scrape().await));
}

/// Every expression of the dashboard, with the title of its panel.
fn dashboard() -> Vec<(String, String)> {
    let document: Value =
        serde_json::from_str(&read("deploy/grafana/dashboards/people-gateway.json")).expect("JSON");
    let panels = document["panels"].as_array().expect("panels");
    let shown = panels.iter().filter(|panel| panel["type"] != "row");
    let targets = shown.flat_map(|panel| {
        let title = panel["title"].as_str().expect("a title");
        let targets = panel["targets"].as_array().expect("targets");
        targets.iter().map(move |target| {
            (
                title.to_owned(),
                target["expr"].as_str().expect("a query").to_owned(),
            )
        })
    });
    targets.collect()
}

fn rules() -> Vec<Yaml> {
    let document = yaml("deploy/prometheus/alerts.yml");
    let groups = document["groups"].as_vec().expect("groups");
    groups
        .iter()
        .flat_map(|group| group["rules"].as_vec().expect("rules"))
        .cloned()
        .collect()
}

fn text<'a>(yaml: &'a Yaml, path: &[&str]) -> &'a str {
    let found = path.iter().fold(yaml, |yaml, key| &yaml[*key]).as_str();
    assert!(
        found.is_some_and(|text| !text.trim().is_empty()),
        "{path:?} is missing in {yaml:?}"
    );
    found.expect("just looked")
}

/// The metrics that a query names, each with the labels that it selects by.
fn named(query: &str) -> Vec<(&str, Vec<&str>)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(at) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let word = &rest[at..];
        let word = &word[..word.find(|c| !is_word(c)).unwrap_or(word.len())];
        rest = &rest[at + word.len()..];
        let selector = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        if word.starts_with(PREFIX) || word.starts_with("process_") {
            let matchers = selector
                .map_or("", |(inside, _)| inside)
                .split(',')
                .filter(|matcher| !matcher.is_empty());
            let labels = matchers
                .map(|matcher| matcher.split(['=', '!']).next().expect("a label"))
                .collect();
            found.push((word, labels));
        }
        rest = selector.map_or(rest, |(_, behind)| behind);
    }
    found
}

/// The metrics and labels of a query that do not exist.
fn unknown(query: &str, scrape: &Scrape) -> Vec<String> {
    let samples = || scrape.families.values().flat_map(|family| &family.samples);
    let mut problems = Vec::new();
    for (name, labels) in named(query) {
        let known: BTreeSet<&str> = samples()
            .filter(|sample| sample.name == name)
            .flat_map(|sample| sample.labels.keys().map(String::as_str))
            .chain(ADDED)
            .collect();
        if !samples().any(|sample| sample.name == name) {
            problems.push(format!("no series {name}"));
        }
        let strange = labels.into_iter().filter(|label| !known.contains(label));
        problems.extend(strange.map(|label| format!("{name} has no label {label}")));
    }
    problems
}

#[tokio::test]
async fn the_dashboard_and_the_rules_query_metrics_and_labels_that_exist() {
    let scrape = scrape().await;
    let of_rule = |rule: &Yaml| {
        (
            text(rule, &["alert"]).to_owned(),
            text(rule, &["expr"]).to_owned(),
        )
    };
    let mut asked = dashboard();
    asked.extend(rules().iter().map(of_rule));
    let mut seen = 0;
    for (title, query) in asked {
        assert!(
            !named(&query).is_empty() || query.starts_with("up"),
            "{title}: {query}"
        );
        assert_eq!(unknown(&query, &scrape), [""; 0], "{title}: {query}");
        seen += 1;
    }
    assert!(seen > 50, "{seen} queries");
    for wrong in [
        "people_gateway_deliveries",
        "rate(people_gateway_sessions{formats=\"text\"}[5m])",
        "process_open_files",
    ] {
        assert_eq!(unknown(wrong, &scrape).len(), 1, "{wrong}");
    }
}

#[tokio::test]
async fn the_dashboard_shows_every_metric_of_the_gateway() {
    let asked: BTreeSet<String> = dashboard()
        .iter()
        .flat_map(|(_, query)| {
            named(query)
                .into_iter()
                .map(|(name, _)| name.to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    for (name, family) in &scrape().await.families {
        let is_shown = family
            .samples
            .iter()
            .any(|sample| asked.contains(&sample.name));
        assert!(
            is_shown || !name.starts_with(PREFIX),
            "no panel shows {name}"
        );
    }
}

#[test]
fn every_alert_has_a_description_and_a_section_in_the_manual() {
    let manual = read("docs/operations.md");
    let section = manual.split("\n## Alerts\n").nth(1).expect("a section");
    let explained: BTreeSet<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    let rules = rules();
    let named: BTreeSet<&str> = rules.iter().map(|rule| text(rule, &["alert"])).collect();
    assert_eq!(named, explained);
    for rule in &rules {
        let name = text(rule, &["alert"]);
        let severity = text(rule, &["labels", "severity"]);
        let heading = format!("### {name}\n\n*{severity}.*");
        assert!(section.contains(&heading), "the manual has no {heading:?}");
        text(rule, &["for"]);
        for annotation in ["summary", "description"] {
            text(rule, &["annotations", annotation]);
        }
        let url = text(rule, &["annotations", "runbook_url"]);
        let (base, page) = url.split_at(RUNBOOKS.len().min(url.len()));
        assert_eq!(
            (base, page),
            (
                RUNBOOKS,
                format!("/docs/operations.md#{}", name.to_lowercase()).as_str()
            )
        );
    }
    // The placeholder is explained where operators learn to replace it.
    for document in ["docs/operations.md", "deploy/prometheus/alerts.yml"] {
        assert!(
            read(document)
                .replace('`', "")
                .contains(&format!("{RUNBOOKS}, which is nobody's")),
            "{document}"
        );
    }
}

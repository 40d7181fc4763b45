//! What a restricted view is sent of any history: the verdicts of rule and filter, and people
//! without what is hidden.

use people_gateway::domain::{Change, FieldsJson};
use people_gateway::filter::{Filter, Images, Index, Kinds, Method, Verdict, View};
use people_gateway::protocol::format::WireFormat;
use people_gateway::rights::Scope;
use proptest::prelude::*;
use regex::Regex;
use serde_json::{Value, json};

use crate::filters::people::{expression, fields};
use crate::filters::views::{changes, history};
use crate::protocol::wire::{event, text};
use crate::rights::sample::{masked, names, paths, rights, rule};

/// The verdict by the table of docs/protocol.md.
fn verdict(change: &Change, matches: impl Fn(&FieldsJson) -> bool) -> Verdict {
    let before = change.before.as_ref().map(&matches);
    let after = change.after.as_ref().map(&matches);
    match (before, after) {
        (None, Some(true)) => Verdict::Create,
        (Some(false), Some(true)) => Verdict::Enter,
        (Some(true), Some(true)) => Verdict::Update,
        (Some(true), Some(false)) => Verdict::Leave,
        (Some(true), None) => Verdict::Delete,
        _ => Verdict::Outside,
    }
}

/// The person of a change with all members.
fn person(change: &Change) -> Option<Value> {
    let person = change.person()?;
    Some(serde_json::from_str(&Scope::everything().to_json(&person)).expect("JSON"))
}

/// Whether a filter's text names something hidden, or something around or below it.
fn names_hidden(filter: &str, hidden: &[&str]) -> bool {
    let path = Regex::new(concat!(
        r#"attributes(?:\.\w+|\["any name"\]|\['x'\])+"#,
        r"|\b(?:id|firstName|lastName|age|job)\b(?:\.\w+)?",
    ))
    .expect("a pattern");
    let name = Regex::new(r#"\w+|\["any name"\]"#).expect("a pattern");
    let is_method = |name: &str| Method::ALL.iter().any(|method| method.name() == name);
    path.find_iter(filter).any(|path| {
        let mut named: Vec<&str> = name
            .find_iter(path.as_str())
            .map(|name| name.as_str().trim_matches(['[', ']', '"']))
            .collect();
        // `attributes.size` is a key, `attributes.x.size()` a call.
        if filter[path.end()..].starts_with('(') && named.last().is_some_and(|name| is_method(name))
        {
            named.pop();
        }
        hidden.iter().any(|hidden| {
            let hidden = names(hidden);
            hidden.starts_with(&named) || named.starts_with(&hidden)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_restricted_view_is_sent_what_rule_and_filter_and_mask_say(
        rule in rule(),
        expression in expression(),
        hidden in paths(),
        history in history(),
    ) {
        let rights = rights(json!({"where": rule.text, "hide": hidden}), &rule.claims);
        let scope = rights.scope();
        let asked = expression.text();
        let Ok(filter) = scope.filter(&asked) else {
            prop_assert!(names_hidden(&asked, &hidden), "{} {:?}", asked, hidden);
            return Ok(());
        };
        prop_assert!(!names_hidden(&asked, &hidden), "{} {:?}", asked, hidden);
        prop_assert_eq!(filter.asked(), &Filter::parse(&asked).unwrap());
        let view = View { kinds: Kinds::All, filter };
        let mut index = Index::default();
        index.add(0, &view);
        let (rule, asked) = (rule.filter(), Filter::parse(&asked).unwrap());
        for change in changes(history) {
            let expected = verdict(&change, |fields| {
                rule.matches(change.id, fields) && asked.matches(change.id, fields)
            });
            prop_assert_eq!(view.verdict_of(&change), expected);
            let mut found = Vec::new();
            index.candidates(&Images::of(&change), &mut found);
            prop_assert!(!found.is_empty() || expected == Verdict::Outside);
            let shown = person(&change).map(|person| masked(person, &hidden));
            for format in [WireFormat::Json, WireFormat::CloudEvents, WireFormat::Sse] {
                let Some(frame) = format.change(expected, &change, None, scope) else {
                    prop_assert_eq!(expected, Verdict::Outside);
                    continue;
                };
                let message: Value = match format {
                    WireFormat::Sse => serde_json::from_str(&event(&frame).data).expect("JSON"),
                    _ => serde_json::from_str(text(&frame)).expect("JSON"),
                };
                let found = if format == WireFormat::CloudEvents {
                    message.get("data").cloned()
                } else {
                    message.get("person").cloned()
                };
                match expected {
                    Verdict::Leave | Verdict::Delete => {
                        let gone = found.unwrap_or(message);
                        prop_assert!(gone.get("firstName").is_none() && gone.get("age").is_none());
                    }
                    _ => prop_assert_eq!(found.as_ref(), shown.as_ref()),
                }
            }
            if let Some(person) = change.person() {
                let json: Value = serde_json::from_str(&scope.to_json(&person)).expect("JSON");
                prop_assert_eq!(Some(&json), shown.as_ref());
                let pages = WireFormat::Json.pages(std::slice::from_ref(&person), scope);
                let page: Value = serde_json::from_str(text(&pages[0])).expect("JSON");
                prop_assert_eq!(&page["people"], &json!([json]));
            }
        }
    }

    #[test]
    fn a_hidden_value_is_null_in_text(hidden in paths(), fields in fields()) {
        let rights = rights(json!({"hide": hidden}), &serde_json::Map::new());
        let json = FieldsJson::from_stored(&fields.to_string()).unwrap();
        let id = "0190f3e2-7c1b-7d9a-8f00-000000000000".parse().unwrap();
        let sentence = people_gateway::protocol::text::saved(id, &json, rights.scope());
        let value = |name: &str| match &fields[name] {
            _ if hidden.contains(&name) => "null".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let expected = format!(
            "Saved person [{id}] Person(id={id}, firstName={}, lastName={}, age={}, job={})",
            value("firstName"), value("lastName"), value("age"), value("job"),
        );
        prop_assert_eq!(sentence, expected);
    }
}

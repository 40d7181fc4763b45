//! The cases that this import and the console's share, and the import of exported files.

use std::io::Cursor;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::columns::ColumnRules;
use super::encoding;
use super::ids::IdSource;
use super::parser::{ImportFormat, ImportItem};
use super::reader::PeopleReader;
use super::source::TextSource;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    text: Option<String>,
    /// The file in hex, instead of the text.
    #[serde(default)]
    bytes: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
    #[serde(default)]
    rules: CaseRules,
    people: Vec<(u64, Map<String, Value>)>,
    #[serde(default)]
    refused: Vec<(u64, String)>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CaseRules {
    separator: Option<char>,
    map: std::collections::BTreeMap<String, String>,
    text: Vec<String>,
    number: Vec<String>,
    list: Vec<String>,
    skip: Vec<String>,
    plain: bool,
}

/// All people of a file, in order, and the error that ended it.
fn read(
    source: TextSource,
    name: &str,
    rules: ColumnRules,
    separator: Option<u8>,
) -> (Vec<ImportItem>, Option<String>) {
    let format = ImportFormat::of(std::path::Path::new(name));
    let mut people = PeopleReader::new(
        source,
        format,
        IdSource::Derived(name.to_owned()),
        rules,
        separator,
    );
    let mut items = Vec::new();
    loop {
        match people.batch() {
            Ok(Some(batch)) => items.extend(batch.items),
            Ok(None) => return (items, None),
            Err(error) => return (items, Some(error.to_string())),
        }
    }
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| str::from_utf8(pair).unwrap());
    digits
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

impl CaseRules {
    /// The rules for columns, and the separator.
    fn split(self) -> (ColumnRules, Option<u8>) {
        let rules = ColumnRules {
            map: self.map.into_iter().collect(),
            text: self.text,
            number: self.number,
            list: self.list,
            skip: self.skip,
            plain: self.plain,
        };
        (rules, self.separator.map(|c| u8::try_from(c).unwrap()))
    }
}

#[test]
fn files_mean_the_same_as_in_the_console() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../../tests/import/cases.json")).unwrap();
    for Case {
        name,
        file,
        text,
        bytes,
        encoding,
        rules,
        people,
        refused,
        error,
    } in cases
    {
        let file = file.as_deref().unwrap_or("f.csv");
        let bytes = bytes.map_or_else(|| text.unwrap().into_bytes(), |hex| from_hex(&hex));
        let encoding = encoding.map(|label| encoding::named(&label).unwrap());
        let source = TextSource::of(Box::new(Cursor::new(bytes)), encoding);
        let (rules, separator) = rules.split();
        let (items, ended) = read(source, file, rules, separator);
        let (mut found, mut reported) = (Vec::new(), Vec::new());
        for ImportItem { line, person } in items {
            match person {
                Ok(json) => found.push((
                    line,
                    serde_json::from_str::<Map<String, Value>>(&json).unwrap(),
                )),
                Err(words) => reported.push((line, words)),
            }
        }
        for ((line, person), (_, expected)) in found.iter_mut().zip(&people) {
            if !expected.contains_key("id") {
                let id = IdSource::Derived(file.to_owned()).id(*line).to_string();
                assert_eq!(person.remove("id"), Some(id.into()), "{name}");
            }
        }
        assert_eq!(found, people, "{name}");
        let lines =
            |refused: &[(u64, String)]| refused.iter().map(|(line, _)| *line).collect::<Vec<_>>();
        assert_eq!(lines(&reported), lines(&refused), "{name}: {reported:?}");
        for ((_, words), (_, expected)) in reported.iter().zip(&refused) {
            assert!(words.contains(expected), "{name}: {words}");
        }
        assert_eq!(ended.is_some(), error.is_some(), "{name}: {ended:?}");
        let (ended, error) = (ended.unwrap_or_default(), error.unwrap_or_default());
        assert!(
            ended.to_lowercase().contains(&error.to_lowercase()),
            "{name}: {ended}"
        );
    }
}

/// Texts with characters that are special to tables, spreadsheets and terminals.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::collection::vec(
            prop_oneof![
                Just("\""),
                Just(","),
                Just(";"),
                Just("\t"),
                Just("\r"),
                Just("\n"),
                Just("\r\n"),
                Just("'"),
                Just("="),
                Just("-"),
                Just("+"),
                Just("@"),
                Just("＝"),
                Just(" "),
                Just("\0"),
                Just("\u{feff}"),
                Just("\u{1b}"),
                Just("\u{85}"),
                Just("\u{2028}"),
                Just("sep=;"),
                Just("{}"),
                Just("[1]"),
                Just("007"),
                Just("true"),
                Just("İ"),
                Just("é"),
                Just("東"),
                Just("😀"),
                Just("a")
            ],
            0..8,
        )
        .prop_map(|parts| parts.concat()),
        any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        proptest::num::f64::NORMAL.prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(text(), inner, 0..4)
                .prop_map(|map| Value::from(Map::from_iter(map))),
        ]
    })
}

prop_compose! {
    fn person()(
        first in text(), last in text(), job in text(), age in 0_u8..=150,
        attributes in proptest::option::of(proptest::collection::btree_map(text(), value(), 0..4)),
    ) -> Map<String, Value> {
        let id = crate::telemetry::clock::fresh_uuid().to_string();
        let mut person = Map::from_iter([("id".to_owned(), Value::from(id))]);
        // A name is never empty.
        let texts = [
            ("firstName", first + "x"),
            ("lastName", "x".to_owned() + &last),
            ("job", job),
        ];
        for (name, value) in texts {
            person.insert(name.to_owned(), value.into());
        }
        person.insert("age".to_owned(), age.into());
        if let Some(attributes) = attributes {
            person.insert("attributes".to_owned(), Map::from_iter(attributes).into());
        }
        person
    }
}

proptest! {
    #[test]
    fn an_export_as_csv_is_imported_unchanged(
        people in proptest::collection::vec(person(), 1..5),
        separator in prop_oneof![
            Just(b','), Just(b';'), Just(b'\t'), Just(b'|'), Just(b'=')
        ],
        plain in any::<bool>(), marked in any::<bool>(),
    ) {
        let mut exported = crate::cli::people::export::csv(&people, separator, plain);
        if marked {
            exported.insert(0, '\u{feff}');
        }
        let rules = ColumnRules { plain, ..ColumnRules::default() };
        let given = (!matches!(separator, b',' | b';' | b'\t')).then_some(separator);
        let source = TextSource::of(Box::new(Cursor::new(exported.clone().into_bytes())), None);
        let (items, ended) = read(source, "people.csv", rules, given);
        prop_assert_eq!(ended, None, "{}", &exported);
        let found: Result<Vec<Map<String, Value>>, String> = items
            .into_iter()
            .map(|item| item.person.map(|json| serde_json::from_str(&json).unwrap()))
            .collect();
        prop_assert_eq!(found, Ok(people), "{}", &exported);
    }

    #[test]
    fn a_line_of_json_is_imported_unchanged(people in proptest::collection::vec(person(), 1..5)) {
        let lines: Vec<String> =
            people.into_iter().map(|person| Value::from(person).to_string()).collect();
        let file = (lines.join("\n") + "\n").into_bytes();
        let source = TextSource::of(Box::new(Cursor::new(file)), None);
        let (items, ended) = read(source, "people", ColumnRules::default(), None);
        prop_assert_eq!(ended, None);
        let found: Vec<_> = items.into_iter().map(|item| item.person).collect();
        prop_assert_eq!(found, lines.into_iter().map(Ok).collect::<Vec<_>>());
    }
}

//! docs/filters.md agrees with the code: its grammar and its tables list exactly the methods,
//! functions and limits of the code, and its examples have the documented results.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use people_gateway::domain::{FieldsJson, PersonId};
use people_gateway::filter::{Filter, Function, Method, limits};

/// The cells of the table whose header has this first cell.
fn table(document: &str, first_header: &str) -> Vec<Vec<String>> {
    let start = format!("| {first_header} |");
    let rows = document
        .lines()
        .skip_while(|line| !line.starts_with(&start))
        .take_while(|line| line.starts_with('|'));
    let cells: Vec<Vec<String>> = rows.map(cells).collect();
    assert!(cells.len() > 2, "a table begins with {start}");
    cells
}

fn cells(row: &str) -> Vec<String> {
    let row = row.replace("\\|", "\0");
    let cells = row.trim_matches('|').split('|');
    cells.map(|cell| cell.trim().replace('\0', "|")).collect()
}

/// The parts of a text between single backticks.
fn codes(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn document() -> String {
    read("filters.md")
}

/// The lines of the grammar.
fn grammar(document: &str) -> String {
    let section = document.split("## Grammar").nth(1).expect("the section");
    section.split("```").nth(1).expect("a block").to_owned()
}

/// The words between double quotes that consist of letters.
fn quoted_words(text: &str) -> BTreeSet<&str> {
    let quoted = text.split('"').skip(1).step_by(2);
    quoted
        .filter(|word| word.chars().all(|char| char.is_ascii_alphabetic()))
        .collect()
}

fn methods(arity: usize) -> BTreeSet<&'static str> {
    let methods = Method::ALL.iter().filter(|method| method.arity() == arity);
    methods.map(|method| method.name()).collect()
}

fn functions() -> BTreeSet<&'static str> {
    Function::ALL
        .iter()
        .map(|function| function.name())
        .collect()
}

#[test]
fn the_grammar_has_exactly_the_words_of_the_language() {
    let document = document();
    let grammar = grammar(&document);
    let fields = ["id", "firstName", "lastName", "age", "job", "attributes"];
    let keywords = ["in", "true", "false", "null"];
    let words: BTreeSet<&str> = fields
        .into_iter()
        .chain(keywords)
        .chain(Method::ALL.iter().map(|method| method.name()))
        .chain(functions())
        .collect();
    assert_eq!(quoted_words(&grammar), words);
}

#[test]
fn the_grammar_gives_each_method_and_function_its_arguments() {
    let document = document();
    let grammar = grammar(&document);
    let rule = |name: &str| {
        let start = format!("{name} ");
        let rule = grammar.lines().find(|line| line.starts_with(&start));
        rule.unwrap_or_else(|| panic!("a rule of {name}"))
    };
    assert!(grammar.contains(r#"path "." method "(" text ")""#));
    assert_eq!(quoted_words(rule("method")), methods(1), "one argument");
    let without_argument: BTreeSet<&str> = grammar
        .split(r#"path "." ""#)
        .skip(1)
        .filter_map(|rest| rest.split_once(r#"" "(" ")""#))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(without_argument, methods(0), "no argument");
    for function in functions() {
        assert!(
            grammar.contains(&format!(r#""{function}" "(" path "#)),
            "{function}"
        );
    }
}

#[test]
fn the_table_of_calls_lists_the_methods_and_functions_with_their_arguments() {
    let calls: Vec<String> = table(&document(), "call")[2..]
        .iter()
        .map(|row| codes(&row[0]).concat())
        .collect();
    let of_method = |method: &Method| match method.arity() {
        0 => format!("PATH.{}()", method.name()),
        1 => format!("PATH.{}(\"…\")", method.name()),
        arity => panic!("write the {arity} arguments of {} here", method.name()),
    };
    let of_function = |function: &Function| format!("{}(PATH)", function.name());
    let expected: Vec<String> = Method::ALL
        .iter()
        .map(of_method)
        .chain(Function::ALL.iter().map(of_function))
        .collect();
    assert_eq!(calls, expected);
}

#[test]
fn the_costs_of_conditions_name_every_method_and_function() {
    let document = read("operations.md");
    let rows = table(&document, "a condition");
    let names: BTreeSet<&str> = rows[2..]
        .iter()
        .flat_map(|row| codes(&row[0]))
        .map(|code| code.split('(').next().unwrap_or_default())
        .collect();
    for name in Method::ALL.iter().map(|method| method.name()) {
        assert!(names.contains(name), "{name} in {names:?}");
    }
    for name in functions() {
        assert!(names.contains(name), "{name} in {names:?}");
    }
}

#[test]
fn the_table_of_limits_has_the_limits_of_the_code() {
    let limits = limit_rows(&document());
    let limit = |name: &str| {
        let found = limits.iter().find(|(row, _)| row == name);
        found.unwrap_or_else(|| panic!("a row of {name}")).1
    };
    let expected = [
        ("text", limits::TEXT_BYTES_MAX as u64),
        ("conditions", limits::CONDITIONS_MAX as u64),
        ("levels", limits::LEVELS_MAX as u64),
        ("list items", limits::LIST_ITEMS_MAX as u64),
        ("one compiled pattern", limits::PATTERN_BYTES_MAX as u64),
        (
            "characters and classes of patterns",
            limits::EXPANDED_LENGTH_MAX,
        ),
    ];
    for (name, value) in expected {
        assert_eq!(limit(name), value, "{name}");
    }
    assert_eq!(limits.len(), expected.len());
}

/// The name of each limit, and its value, with KiB converted to bytes.
fn limit_rows(document: &str) -> Vec<(String, u64)> {
    let rows = table(document, "limit");
    let value = |cell: &str| {
        let digits: String = cell
            .chars()
            .take_while(|char| char.is_ascii_digit() || *char == ',')
            .filter(char::is_ascii_digit)
            .collect();
        let number: u64 = digits.parse().expect("a number");
        number * if cell.contains(" KiB") { 1024 } else { 1 }
    };
    rows[2..]
        .iter()
        .map(|row| (row[0].clone(), value(&row[1])))
        .collect()
}

#[test]
fn the_table_of_missing_values_has_the_results_of_the_code() {
    let id: PersonId = crate::filters::people::IDS[0].parse().expect("an id");
    let rows = table(&document(), "condition");
    let people: Vec<FieldsJson> = rows[0][1..]
        .iter()
        .map(|header| {
            let fields = r#"{"firstName":"A","lastName":"B","age":1,"job":"","attributes":"#;
            let text = format!("{fields}{}}}", codes(header).concat());
            FieldsJson::from_stored(&text).expect("fields")
        })
        .collect();
    for row in &rows[2..] {
        let filter = Filter::parse(codes(&row[0])[0]).expect("a filter");
        let results: Vec<&str> = people
            .iter()
            .map(|fields| {
                if filter.matches(id, fields) {
                    "yes"
                } else {
                    "no"
                }
            })
            .collect();
        let documented: Vec<&str> = row[1..].iter().map(|cell| cell.trim_matches('*')).collect();
        assert_eq!(documented, results, "{filter}");
    }
}

#[test]
fn the_documented_invalid_filters_are_refused_and_their_replacements_parse() {
    // A, B and C stand for any conditions.
    let with_conditions = |code: &str| code.replace(['A', 'B', 'C'], "true");
    for row in &table(&document(), "not a filter")[2..] {
        for code in codes(&row[0]) {
            let result = Filter::parse(&with_conditions(code));
            assert!(result.is_err(), "{code} is refused");
        }
        for code in codes(&row[1]) {
            let result = Filter::parse(&with_conditions(code));
            assert!(result.is_ok(), "{code}: {result:?}");
        }
    }
}

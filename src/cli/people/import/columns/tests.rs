//! Headings and cells in the spellings that people use.

use serde_json::json;

use super::*;

fn columns(header: &str, rules: &ColumnRules) -> anyhow::Result<ImportColumns> {
    ImportColumns::of(
        &header.split(',').map(str::to_owned).collect::<Vec<_>>(),
        rules,
    )
}

fn person(header: &str, cells: &[&str], rules: &ColumnRules) -> Result<Value, String> {
    columns(header, rules)
        .unwrap()
        .person(&names(cells))
        .map(Value::from)
}

fn refused(header: &str, rules: &ColumnRules) -> String {
    columns(header, rules).unwrap_err().to_string()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const HEADER: &str = "firstName,lastName,age,job";
const ADA: [&str; 4] = ["Ada", "Lovelace", "36", "Mathematician"];

#[test]
fn headings_are_fields_in_any_plain_spelling_or_attributes() {
    let ada =
        json!({"firstName": "Ada", "lastName": "Lovelace", "age": 36, "job": "Mathematician"});
    for header in [
        HEADER,
        "First name,last_name,AGE, Job ",
        "first-name,LASTNAME,age,job",
        "\u{feff}first\u{feff}Name,lastName\u{a0},age,job",
    ] {
        assert_eq!(
            person(header, &ADA, &ColumnRules::default()),
            Ok(ada.clone()),
            "{header}"
        );
    }
    let turkish = person(
        &format!("{HEADER},İD"),
        &[&ADA[..], &["x"]].concat(),
        &ColumnRules::default(),
    )
    .unwrap();
    assert_eq!(
        (turkish.get("id"), &turkish["attributes"]),
        (None, &json!({"İD": "x"}))
    );
    let header = format!("{HEADER},city,attributes.address.zip,attributes,revision,");
    let cells = [&ADA[..], &["Oslo", "7", "{\"b\":[1]}", "a.1.b", ""]].concat();
    let mut expected = ada;
    expected["attributes"] = json!({"city": "Oslo", "address": {"zip": 7}, "b": [1]});
    assert_eq!(
        person(&header, &cells, &ColumnRules::default()),
        Ok(expected)
    );
}

#[test]
fn columns_of_one_object_merge_but_must_not_set_a_value_twice() {
    let people = |header: &str, cells: &[&str]| {
        let cells = [&ADA[..], cells].concat();
        person(
            &format!("{HEADER},{header}"),
            &cells,
            &ColumnRules::default(),
        )
        .map(|person| person["attributes"].clone())
    };
    let mixed = Ok(json!({"address": {"zip": 7, "street": "A"}, "b": null}));
    let json = "{\"address\":{\"street\":\"A\"},\"b\":null}";
    assert_eq!(
        people("attributes,attributes.address.zip", &[json, "7"]),
        mixed
    );
    assert_eq!(
        people("attributes.address.zip,attributes", &["7", json]),
        mixed
    );
    assert_eq!(people("attributes,city", &["{}", ""]), Ok(json!({})));
    assert_eq!(people("attributes,city", &["", ""]), Ok(Value::Null));
    for (header, cells) in [
        ("attributes,city", ["{\"city\":1}", "1"]),
        ("city,attributes", ["1", "{\"city\":null}"]),
        ("attributes,attributes.a.b", ["{\"a\":1}", "1"]),
        ("attributes,attributes.a.b", ["{\"a\":{\"b\":{}}}", "1"]),
    ] {
        assert!(
            people(header, &cells)
                .unwrap_err()
                .ends_with("is given twice"),
            "{header}"
        );
    }
    for (cell, words) in [
        (
            "{\"a\":1,\"a\":1}",
            "attributes: the key \"a\" is given twice",
        ),
        (
            "{\"a\":99999999999999999999}",
            "attributes: holds 99999999999999999999, an integer beyond 64 bits",
        ),
    ] {
        assert!(
            people("attributes", &[cell])
                .unwrap_err()
                .starts_with(words),
            "{cell}"
        );
        let attribute = people("x", &[cell]).unwrap_err();
        assert!(
            attribute.starts_with(&words.replacen("attributes", "attributes.x", 1)),
            "{attribute}"
        );
    }
}

#[test]
fn a_cell_without_a_heading_is_refused_unless_empty_or_skipped() {
    let header = format!("{HEADER},,city");
    let refused = person(
        &header,
        &[&ADA[..], &["lost", ""]].concat(),
        &ColumnRules::default(),
    )
    .unwrap_err();
    assert!(refused.starts_with("cell 5 has no heading"), "{refused}");
    assert!(
        person(
            &header,
            &[&ADA[..], &[" ", ""]].concat(),
            &ColumnRules::default()
        )
        .is_ok()
    );
    let skip = ColumnRules {
        skip: names(&[""]),
        ..ColumnRules::default()
    };
    assert!(person(&header, &[&ADA[..], &["lost", ""]].concat(), &skip).is_ok());
    let map = ColumnRules {
        map: vec![(String::new(), "attributes.x".into())],
        ..ColumnRules::default()
    };
    assert_eq!(
        person(&header, &[&ADA[..], &["kept"]].concat(), &map).unwrap()["attributes"]["x"],
        "kept"
    );
}

#[test]
fn a_protected_cell_is_a_text() {
    let header = format!("{HEADER},x,attributes.n");
    let cells = ["'=1+1", "''@", "1", "'t Hooft", "'-5", "-5"];
    let read = person(&header, &cells, &ColumnRules::default()).unwrap();
    assert_eq!(
        (&read["firstName"], &read["lastName"], &read["job"]),
        (&json!("=1+1"), &json!("'@"), &json!("'t Hooft"))
    );
    assert_eq!(read["attributes"], json!({"x": "-5", "n": -5}));
    let read = person(
        &header,
        &cells,
        &ColumnRules {
            plain: true,
            ..ColumnRules::default()
        },
    )
    .unwrap();
    assert_eq!(
        (&read["firstName"], &read["lastName"]),
        (&json!("'=1+1"), &json!("''@"))
    );
    assert_eq!(read["attributes"], json!({"x": "'-5", "n": -5}));
}

#[test]
fn rules_rename_columns_and_set_their_types() {
    let rules = ColumnRules {
        map: vec![
            ("Given name".into(), "firstName".into()),
            ("Ort".into(), "attributes.city".into()),
        ],
        text: names(&["phone"]),
        number: names(&["height"]),
        list: names(&["tags", "none"]),
        skip: names(&["firstName"]),
        plain: false,
    };
    let header = "Given name,firstName,lastName,age,job,Ort,phone,attributes.tags,none,height";
    let cells = [
        "Ada", "x", "Lovelace", "36", "", "Oslo", "4711", "chess;go", "", "1.70",
    ];
    let expected = json!({
        "firstName": "Ada", "lastName": "Lovelace", "age": 36, "job": "",
        "attributes": {"city": "Oslo", "phone": "4711", "tags": ["chess", "go"], "height": 1.7},
    });
    assert_eq!(person(header, &cells, &rules), Ok(expected));
    let refused = person(header, &[&cells[..9], &["tall"]].concat(), &rules).unwrap_err();
    assert!(
        refused.starts_with("attributes.height: must be a number"),
        "{refused}"
    );
}

#[test]
fn invalid_values_of_fields_are_left_to_the_gateway() {
    let cells = ["", " Love lace ", " 36.5", ""];
    assert_eq!(
        person(HEADER, &cells, &ColumnRules::default()),
        Ok(json!({"lastName": " Love lace ", "age": 36.5, "job": ""}))
    );
    for (cell, age) in [
        ("old", json!("old")),
        ("36.0", json!(36)),
        (" 3.6E+01\u{a0}", json!(36)),
        ("1e3", json!("1e3")),
    ] {
        assert_eq!(
            person(HEADER, &["A", "B", cell, "C"], &ColumnRules::default()).unwrap()["age"],
            age,
            "{cell}"
        );
    }
}

#[test]
fn a_record_that_does_not_fit_the_headings_is_refused() {
    // Spreadsheets omit empty cells at the end of a row.
    let short = person(HEADER, &ADA[..3], &ColumnRules::default());
    assert_eq!(
        short,
        Ok(json!({"firstName": "Ada", "lastName": "Lovelace", "age": 36, "job": ""}))
    );
    assert!(
        person(
            HEADER,
            &[&ADA[..], &["x"]].concat(),
            &ColumnRules::default()
        )
        .unwrap_err()
        .contains("has 5 cells")
    );
    assert!(person(HEADER, &[&ADA[..], &[""]].concat(), &ColumnRules::default()).is_ok());
    let attributes = format!("{HEADER},attributes");
    assert!(
        person(
            &attributes,
            &[&ADA[..], &["[1]"]].concat(),
            &ColumnRules::default()
        )
        .is_err()
    );
}

#[test]
fn invalid_headings_are_refused_with_advice() {
    let none = ColumnRules::default();
    assert!(refused("Given name,lastName,age,job", &none).contains("--map 'COLUMN=firstName'"));
    assert!(
        refused(&format!("{HEADER},First Name"), &none)
            .contains("\"firstName\" and \"First Name\"")
    );
    assert!(refused(&format!("{HEADER},city,attributes.city"), &none).contains("--skip"));
    assert!(refused(&format!("{HEADER},attributes.a,attributes.a.b"), &none).contains("--skip"));
    let text = ColumnRules {
        text: names(&["phone"]),
        ..ColumnRules::default()
    };
    assert!(refused(HEADER, &text).contains("no column is named \"phone\""));
    let both = ColumnRules {
        list: names(&["phone"]),
        ..text
    };
    assert!(
        refused(&format!("{HEADER},phone"), &both).contains("one of --text, --number and --list")
    );
    let nowhere = ColumnRules {
        map: vec![("job".into(), "title".into())],
        ..ColumnRules::default()
    };
    assert!(refused(HEADER, &nowhere).contains("--map 'job=title'"));
    for unnamed in ["attributes.", "attributes.a..b", "attributes.a."] {
        assert!(
            refused(&format!("{HEADER},{unnamed}"), &none).contains("names no attribute"),
            "{unnamed}"
        );
    }
    for (list, header) in [
        ("age", HEADER.to_owned()),
        ("firstName", HEADER.to_owned()),
        ("attributes", format!("{HEADER},attributes")),
    ] {
        let rules = ColumnRules {
            list: names(&[list]),
            ..ColumnRules::default()
        };
        assert!(
            refused(&header, &rules).contains("has a type of its own"),
            "{list}"
        );
    }
}

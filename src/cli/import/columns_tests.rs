//! Headings and cells as people write them.

use serde_json::json;

use super::*;

fn columns(header: &str, rules: &Rules) -> anyhow::Result<Columns> {
    Columns::of(&header.split(',').map(str::to_owned).collect::<Vec<_>>(), rules)
}

fn person(header: &str, cells: &[&str], rules: &Rules) -> Result<Value, String> {
    let cells: Vec<Vec<u8>> = cells.iter().map(|cell| cell.as_bytes().to_vec()).collect();
    columns(header, rules).unwrap().person(&cells).map(Value::from)
}

fn refused(header: &str, rules: &Rules) -> String {
    columns(header, rules).unwrap_err().to_string()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const HEADER: &str = "firstName,lastName,age,job";
const ADA: [&str; 4] = ["Ada", "Lovelace", "36", "Mathematician"];

#[test]
fn headings_are_fields_in_any_plain_spelling_and_attributes_otherwise() {
    let ada = json!({"firstName": "Ada", "lastName": "Lovelace", "age": 36, "job": "Mathematician"});
    for header in [HEADER, "First name,last_name,AGE, Job ", "first-name,LASTNAME,age,job"] {
        assert_eq!(person(header, &ADA, &Rules::default()), Ok(ada.clone()), "{header}");
    }
    let header = format!("{HEADER},city,attributes.address.zip,attributes,revision,");
    let cells = [&ADA[..], &["Oslo", "7", "{\"b\":[1]}", "a.1.b", "x"]].concat();
    let mut expected = ada;
    expected["attributes"] = json!({"city": "Oslo", "address": {"zip": 7}, "b": [1]});
    assert_eq!(person(&header, &cells, &Rules::default()), Ok(expected));
}

#[test]
fn rules_rename_keep_texts_and_make_lists() {
    let rules = Rules {
        map: vec![("Given name".into(), "firstName".into()), ("Ort".into(), "attributes.city".into())],
        text: names(&["phone"]),
        list: names(&["tags", "none"]),
        skip: names(&["firstName"]),
    };
    let header = "Given name,firstName,lastName,age,job,Ort,phone,attributes.tags,none";
    let cells = ["Ada", "x", "Lovelace", "36", "", "Oslo", "4711", "chess;go", ""];
    let expected = json!({
        "firstName": "Ada", "lastName": "Lovelace", "age": 36, "job": "",
        "attributes": {"city": "Oslo", "phone": "4711", "tags": ["chess", "go"]},
    });
    assert_eq!(person(header, &cells, &rules), Ok(expected));
}

#[test]
fn what_the_gateway_must_judge_is_left_to_it() {
    let cells = ["", " Love lace ", " 36.5", ""];
    assert_eq!(
        person(HEADER, &cells, &Rules::default()),
        Ok(json!({"lastName": " Love lace ", "age": 36.5, "job": ""}))
    );
    assert_eq!(person(HEADER, &["A", "B", "old", "C"], &Rules::default()).unwrap()["age"], "old");
}

#[test]
fn a_record_that_does_not_fit_the_headings_is_refused_in_words() {
    assert!(person(HEADER, &ADA[..3], &Rules::default()).unwrap_err().contains("has 3 cells"));
    assert!(person(HEADER, &[&ADA[..], &["x"]].concat(), &Rules::default()).unwrap_err().contains("has 5 cells"));
    assert!(person(HEADER, &[&ADA[..], &[""]].concat(), &Rules::default()).is_ok());
    let attributes = format!("{HEADER},attributes");
    assert!(person(&attributes, &[&ADA[..], &["[1]"]].concat(), &Rules::default()).is_err());
    let latin = [b"\xC5se".to_vec(), b"B".to_vec(), b"1".to_vec(), b"C".to_vec()];
    assert!(columns(HEADER, &Rules::default()).unwrap().person(&latin).unwrap_err().contains("UTF-8"));
}

#[test]
fn headings_that_make_no_sense_are_refused_with_what_to_do() {
    let none = Rules::default();
    assert!(refused("Given name,lastName,age,job", &none).contains("--map 'COLUMN=firstName'"));
    assert!(refused(&format!("{HEADER},First Name"), &none).contains("\"firstName\" and \"First Name\""));
    assert!(refused(&format!("{HEADER},city,attributes.city"), &none).contains("--skip"));
    assert!(refused(&format!("{HEADER},attributes.a,attributes.a.b"), &none).contains("--skip"));
    let text = Rules { text: names(&["phone"]), ..Rules::default() };
    assert!(refused(HEADER, &text).contains("no column is named \"phone\""));
    let both = Rules { list: names(&["phone"]), ..text };
    assert!(refused(&format!("{HEADER},phone"), &both).contains("either a text or a list"));
    let nowhere = Rules { map: vec![("job".into(), "title".into())], ..Rules::default() };
    assert!(refused(HEADER, &nowhere).contains("--map 'job=title'"));
}

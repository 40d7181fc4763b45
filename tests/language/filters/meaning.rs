//! The meaning of each condition, by example.

use people_gateway::domain::{FieldsJson, PersonId};
use people_gateway::filter::Filter;

const ID: &str = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";

fn fields(attributes: &str) -> FieldsJson {
    let fields =
        r#"{"firstName":"Zoë","lastName":"O'Neil","age":36,"job":"","attributes":ATTRIBUTES}"#;
    FieldsJson::from_stored(&fields.replace("ATTRIBUTES", attributes)).expect("a person's fields")
}

fn matches(filter: &str, attributes: &str) -> bool {
    let id: PersonId = ID.parse().expect("an id");
    Filter::parse(filter)
        .unwrap_or_else(|error| panic!("{filter}: {error}"))
        .matches(id, &fields(attributes))
}

fn assert_matches(attributes: &str, yes: &[&str], no: &[&str]) {
    for filter in yes {
        assert!(matches(filter, attributes), "{filter} of {attributes}");
    }
    for filter in no {
        assert!(!matches(filter, attributes), "not {filter} of {attributes}");
    }
}

#[test]
fn the_empty_filter_matches_every_person() {
    assert_matches(
        "{}",
        &["", "  \n\t", "// nothing but a comment", "true", "!false"],
        &["false", "!true"],
    );
    assert!(Filter::default().is_everyone() && Filter::parse("").expect("everyone").is_everyone());
    assert!(!Filter::parse("age > 0").expect("a filter").is_everyone());
}

#[test]
fn a_condition_is_false_where_its_path_is_missing_and_its_negation_true() {
    let conditions = [
        "attributes.x == \"a\"",
        "attributes.x != \"a\"",
        "attributes.x == null",
        "attributes.x != null",
        "attributes.x < 1",
        "attributes.x in [1, null]",
        "1 in attributes.x",
        "attributes.x.contains(\"\")",
        "attributes.x.matches(\"\")",
        "size(attributes.x) == 0",
        "size(attributes.x) != 0",
        "has(attributes.x)",
        "has(attributes.x.y)",
        "attributes.x.y != 1",
    ];
    for attributes in ["{}", "{\"y\":1}", "{\"X\":1}"] {
        for condition in conditions {
            assert_matches(attributes, &[&format!("!({condition})")], &[condition]);
        }
    }
    let without = FieldsJson::from_stored(r#"{"firstName":"A","lastName":"B","age":0,"job":""}"#)
        .expect("fields");
    assert!(
        !Filter::parse("has(attributes.x)")
            .expect("a filter")
            .matches(ID.parse().expect("an id"), &without)
    );
}

#[test]
fn known_fields_are_never_missing() {
    assert_matches(
        "{}",
        &[
            "age == 36",
            "36.0 == age",
            "age > 35.5",
            "35 < age",
            "age in [1, 36]",
            "age != 35",
            "firstName == 'Zoë'",
            "job == ''",
            "size(job) == 0",
            "job.size() < 1",
            "firstName.size() == 3",
            "lastName.endsWith(\"Neil\")",
            "lastName in [\"O'Neil\"]",
            "firstName > \"Zoz\" && firstName < \"Zoë \"",
        ],
        &[
            "age == 36.5",
            "age in []",
            "firstName == \"zoë\"",
            "firstName == \"Zoe\u{308}\"",
            "firstName.contains(\"z\")",
        ],
    );
}

#[test]
fn an_id_may_be_written_in_any_case() {
    let upper = ID.to_uppercase();
    assert_matches(
        "{}",
        &[
            &format!("id == \"{upper}\""),
            &format!("\"{upper}\" == id"),
            &format!("id in ['{upper}']"),
            &format!("id >= '{upper}' && id < 'F190F3E2-7C1B-7D9A-8F00-1234567890AB'"),
            "id.startsWith(\"0190f3e2-\")",
            "size(id) == 36",
            "id.matches('^[0-9a-f-]{36}$')",
        ],
        &[&format!("id != \"{upper}\""), "id.startsWith(\"0190F3E2\")"],
    );
}

#[test]
fn numbers_compare_by_value_and_exactly() {
    for (value, equal, less) in [
        ("1", "1.0", "1.0000000000000002"),
        ("1.0", "1u", "2"),
        ("9007199254740993", "9007199254740993", "9007199254740994"),
        ("9007199254740992", "9007199254740992.0", "9007199254740993"),
        (
            "18446744073709551615",
            "18446744073709551615u",
            "18446744073709551616.0",
        ),
        (
            "9223372036854775807",
            "0x7fffffffffffffff",
            "9223372036854775808.0",
        ),
        (
            "-9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775807",
        ),
        (
            "-9223372036854775808",
            "-9223372036854775808.0",
            "-0x7fffffffffffffff",
        ),
        ("1e300", "1.0e300", "1.1e300"),
        ("1e20", "100000000000000000000.0", "1.0000000000000001e20"),
        ("-0.0", "0", "1"),
        ("0.1", ".1", "0.10000000000000002"),
    ] {
        assert_matches(
            &format!("{{\"n\":{value}}}"),
            &[
                &format!("attributes.n == {equal}"),
                &format!("attributes.n in [{less}, {equal}]"),
                &format!("attributes.n <= {equal} && attributes.n >= {equal}"),
                &format!(
                    "attributes.n != {less} && attributes.n < {less} && {less} > attributes.n"
                ),
            ],
            &[
                &format!("attributes.n == {less}"),
                &format!("attributes.n in [{less}]"),
                &format!("attributes.n > {equal}"),
            ],
        );
    }
}

#[test]
fn values_of_different_types_are_unequal_and_have_no_order() {
    for value in ["1", "\"a\"", "true", "null", "[1]", "{\"a\":1}"] {
        for literal in ["1", "\"a\"", "true", "null"]
            .into_iter()
            .filter(|literal| *literal != value)
        {
            assert_matches(
                &format!("{{\"x\":{value}}}"),
                &[&format!("attributes.x != {literal}")],
                &[
                    &format!("attributes.x == {literal}"),
                    &format!("attributes.x < {literal} || attributes.x <= {literal}"),
                    &format!("attributes.x > {literal} || attributes.x >= {literal}"),
                    &format!("attributes.x in [{literal}]"),
                ],
            );
        }
    }
    assert_matches(
        "{\"x\":null}",
        &[
            "attributes.x == null",
            "has(attributes.x)",
            "attributes.x in [null]",
        ],
        &["attributes.x <= null"],
    );
    assert_matches(
        "{\"x\":true}",
        &[
            "attributes.x > false",
            "attributes.x == true",
            "true == attributes.x",
        ],
        &["attributes.x < true"],
    );
}

#[test]
fn texts_are_ordered_by_code_point_without_normalisation() {
    // In UTF-16 the order is different: the emoji begins with a smaller code unit.
    assert_matches(
        "{\"x\":\"\u{ffee}\"}",
        &["attributes.x < \"😀\"", "attributes.x > \"\u{d7ff}\""],
        &[],
    );
    assert_matches(
        "{\"x\":\"e\u{301}\"}",
        &["size(attributes.x) == 2", "attributes.x < \"é\""],
        &["attributes.x == \"é\""],
    );
    assert_matches(
        "{\"x\":\"a😀\"}",
        &["attributes.x.size() == 2", "attributes.x.endsWith('😀')"],
        &["attributes.x.startsWith('A')"],
    );
}

#[test]
fn lists_have_elements_and_objects_have_keys() {
    assert_matches(
        "{\"l\":[1,\"a\",null,true,[2],{\"k\":3}],\"o\":{\"k\":null,\
         \"any name\":{\"z\":1}},\"s\":\"a\",\"n\":1}",
        &[
            "1.0 in attributes.l",
            "\"a\" in attributes.l",
            "null in attributes.l",
            "true in attributes.l",
            "size(attributes.l) == 6",
            "\"k\" in attributes.o",
            "size(attributes.o) == 2",
            "has(attributes.o.k)",
            "attributes.o[\"any name\"].z == 1",
            "attributes['o']['any name'][\"z\"] == 1",
            "has(attributes[\"o\"].k)",
        ],
        &[
            "2 in attributes.l",
            "\"k\" in attributes.l",
            "\"1\" in attributes.l",
            "1 in attributes.o",
            "\"a\" in attributes.s",
            "1 in attributes.n",
            "size(attributes.n) >= 0",
            "has(attributes.l.k)",
            "attributes.l.k == 3",
            "attributes.n.startsWith(\"1\")",
        ],
    );
}

#[test]
fn patterns_match_anywhere_in_linear_time() {
    let attributes = format!("{{\"x\":\"{}b\"}}", "a".repeat(4000));
    assert_matches(
        &attributes,
        &[
            "attributes.x.matches(\"ab\")",
            "attributes.x.matches(r'^(a|aa)+b$')",
        ],
        &[
            "attributes.x.matches(\"^b\")",
            "attributes.x.matches(\"(a*)*c\")",
        ],
    );
    assert_matches(
        "{\"x\":\"one\\ntwo\"}",
        &["attributes.x.matches('(?m)^two$')"],
        &["attributes.x.matches('^two$')"],
    );
}

#[test]
fn not_binds_closest_and_and_closer_than_or() {
    assert_matches(
        "{}",
        &[
            "true || false && false",
            "!false || true && false",
            "!(true && false)",
            "!!true",
            "!has(attributes.x) && age > 3",
        ],
        &[
            "(true || false) && false",
            "!(true || false)",
            "false && true || false",
        ],
    );
}

#[test]
fn filters_with_the_same_meaning_are_equal() {
    let parse = |text: &str| Filter::parse(text).expect("a filter");
    for (one, other) in [
        ("", "true"),
        ("age>30", " ( 30.0 < age ) // grown up"),
        (
            "job == 'a' && age == 1 && age != 2",
            "job == \"a\" && (age == 0x1 && age != 2u)",
        ),
        ("age in [1, 2, 1.0]", "age in [2, 1]"),
        ("attributes.x.y == 1", "attributes[\"x\"]['y'] == 1"),
        ("job.matches(r'\\d')", "job.matches(\"\\\\d\")"),
        (
            "id == '0190F3E2-7C1B-7D9A-8F00-1234567890AB'",
            "id == '0190f3e2-7c1b-7d9a-8f00-1234567890ab'",
        ),
    ] {
        assert_eq!(parse(one), parse(other));
    }
    for (one, other) in [
        ("", "false"),
        ("age > 30", "age >= 30"),
        ("job == '1'", "lastName == '1'"),
        ("attributes.x == 1", "attributes.x == '1'"),
        (
            "attributes.x == 9007199254740993",
            "attributes.x == 9007199254740992.0",
        ),
        ("job.startsWith('a')", "job.endsWith('a')"),
        ("!(age == 1)", "age == 1"),
    ] {
        assert_ne!(parse(one), parse(other));
    }
}

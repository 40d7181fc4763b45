//! Bodies as people send them.

use super::*;

const ADA: &str = r#"{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician"}"#;

fn pointers(body: &str) -> Vec<String> {
    match Draft::parse(body, IdRule::Ignored) {
        Err(Rejection::Invalid(faults)) => faults.into_iter().map(|fault| fault.pointer).collect(),
        other => vec![format!("{other:?}")],
    }
}

fn with_attributes(attributes: &str) -> String {
    ADA.replace('}', &format!(r#","attributes":{attributes}}}"#))
}

#[test]
fn a_body_becomes_fields_in_the_one_stored_form() {
    let body = concat!(
        r#" {"job":"", "age":0, "lastName":"L", "firstName":"F\u00e9", "id":17, "#,
        r#""revision":"x", "attributes":{"b":1.0,"a":[null]}} "#
    );
    let draft = Draft::parse(body, IdRule::Ignored).expect("a person");
    assert_eq!(
        draft.fields.to_json().as_str(),
        r#"{"firstName":"Fé","lastName":"L","age":0,"job":"","attributes":{"b":1.0,"a":[null]}}"#
    );
}

#[test]
fn all_faults_are_named_at_once() {
    assert_eq!(
        pointers(r#"{"firstName":"","age":151,"job":7,"x/y":1}"#),
        ["/firstName", "/age", "/job", "/x~1y", "/lastName"]
    );
    assert_eq!(pointers("[1]"), [""]);
    assert_eq!(
        pointers(r#"{"firstName":"a","firstName":"b","lastName":"c","age":1,"job":""}"#),
        ["/firstName"]
    );
    for age in [
        "-1",
        "30.5",
        "\"30\"",
        "1e3",
        "null",
        "36.00000000000000000001",
    ] {
        assert_eq!(pointers(&ADA.replace("36", age)), ["/age"], "{age}");
    }
}

#[test]
fn an_age_may_be_written_as_any_integer_of_json() {
    let id: PersonId = "0190f3e2-7c1b-7d9a-8f00-1234567890ab"
        .parse()
        .expect("an id");
    let ada = Draft::parse(ADA, IdRule::Ignored).expect("a person").fields;
    let current = Draft::parse(&ADA.replace("36", "1"), IdRule::Ignored)
        .expect("a person")
        .fields
        .to_json();
    for age in ["36.0", "3.6e1", "360E-1", "36.000000000000000000000"] {
        let draft = Draft::parse(&ADA.replace("36", age), IdRule::Ignored).expect("a person");
        assert_eq!(draft.fields, ada, "{age}");
        let patch = MergePatch::parse(&format!("{{\"age\":{age}}}"), id).expect("a patch");
        assert_eq!(
            patch.apply(&current).expect("a person").fields,
            ada,
            "{age}"
        );
    }
    for age in ["36.00000000000000000001", "36.5", "1e3", "-36", "\"36\""] {
        let refused = MergePatch::parse(&format!("{{\"age\":{age}}}"), id)
            .and_then(|patch| patch.apply(&current));
        assert!(
            matches!(refused, Err(Rejection::Invalid(faults)) if faults[0].pointer == "/age"),
            "{age}"
        );
    }
}

#[test]
fn all_faults_of_a_patch_are_named_at_once() {
    let id: PersonId = "0190f3e2-7c1b-7d9a-8f00-1234567890ab"
        .parse()
        .expect("an id");
    let current = Draft::parse(ADA, IdRule::Ignored)
        .expect("a person")
        .fields
        .to_json();
    for age in ["151", "36.5", "36.00000000000000000001"] {
        let patch = MergePatch::parse(
            &format!("{{\"age\":{age},\"nickname\":\"A\",\"firstName\":\"\"}}"),
            id,
        );
        let Err(Rejection::Invalid(faults)) = patch.and_then(|patch| patch.apply(&current)) else {
            panic!("{age}")
        };
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/firstName", "/age", "/nickname"], "{age}");
    }
}

#[test]
fn a_byte_order_mark_before_a_body_is_skipped_and_one_inside_is_not() {
    let id: PersonId = "0190f3e2-7c1b-7d9a-8f00-1234567890ab"
        .parse()
        .expect("an id");
    let marked = format!("\u{feff}{ADA}");
    assert_eq!(
        Draft::parse(&marked, IdRule::Ignored),
        Draft::parse(ADA, IdRule::Ignored)
    );
    assert!(MergePatch::parse("\u{feff}{\"age\":1}", id).is_ok());
    for twice in [format!("\u{feff}{marked}"), format!("{ADA}\u{feff}")] {
        assert!(
            matches!(
                Draft::parse(&twice, IdRule::Ignored),
                Err(Rejection::Malformed { .. })
            ),
            "{twice}"
        );
    }
    let broken = Draft::parse("\u{feff}{\"age\" 1}", IdRule::Ignored);
    assert!(
        matches!(
            broken,
            Err(Rejection::Malformed {
                line: 1,
                column: 8,
                ..
            })
        ),
        "{broken:?}"
    );
}

#[test]
fn characters_are_code_points() {
    let named = |name: String| pointers(&ADA.replace("Ada", &name));
    assert!(named("𝔸".repeat(200))[0].starts_with("Ok"));
    assert_eq!(named("𝔸".repeat(201)), ["/firstName"]);
    assert_eq!(named("\\ud800".into()), ["/firstName"]);
}

#[test]
fn malformed_json_is_refused_with_line_and_column() {
    let rejection = Draft::parse("{\n  \"firstName\": ,}", IdRule::Ignored).expect_err("malformed");
    assert!(
        matches!(
            rejection,
            Rejection::Malformed {
                line: 2,
                column: 16,
                ..
            }
        ),
        "{rejection:?}"
    );
    assert!(matches!(
        Draft::parse("[1,", IdRule::Ignored),
        Err(Rejection::Malformed { .. })
    ));
}

#[test]
fn attributes_have_limits() {
    let nested = |depth: usize| {
        with_attributes(&format!(
            "{}{}",
            "{\"a\":".repeat(depth - 1) + "{",
            "}".repeat(depth)
        ))
    };
    assert!(pointers(&nested(8))[0].starts_with("Ok"));
    assert_eq!(pointers(&nested(9)), ["/attributes"]);
    assert_eq!(pointers(&nested(20_000)), ["/attributes"]);
    for wrong in [
        r#"{"a":1,"a":2}"#,
        r#"{"x":{"a":1,"\u0061":2}}"#,
        "[]",
        "1",
        r#"{"n":18446744073709551616}"#,
        r#"{"n":-9223372036854775809}"#,
        r#"{"n":1e400}"#,
    ] {
        assert_eq!(
            pointers(&with_attributes(wrong)),
            ["/attributes"],
            "{wrong}"
        );
    }
    for right in [
        "null",
        "{}",
        r#"{"n":18446744073709551615}"#,
        r#"{"n":-9223372036854775808}"#,
        r#"{"n":1e20,"s":"99999999999999999999"}"#,
    ] {
        assert!(
            pointers(&with_attributes(right))[0].starts_with("Ok"),
            "{right}"
        );
    }
    let sized =
        |bytes: usize| with_attributes(&format!("{{ \"a\" : \"{}\" }}", "x".repeat(bytes - 8)));
    assert!(pointers(&sized(MAX_ATTRIBUTES_BYTES))[0].starts_with("Ok"));
    assert_eq!(pointers(&sized(MAX_ATTRIBUTES_BYTES + 1)), ["/attributes"]);
}

#[test]
fn an_id_in_the_body_follows_the_rule() {
    let path: PersonId = "0190f3e2-7c1b-7d9a-8f00-1234567890ab"
        .parse()
        .expect("an id");
    let body = |id: &str| ADA.replace('}', &format!(",\"id\":{id}}}"));
    let same = "\"0190F3E2-7C1B-7D9A-8F00-1234567890AB\"";
    for (id, rule, passes) in [
        ("null", IdRule::MustBe(path), true),
        (same, IdRule::MustBe(path), true),
        (
            "\"0190f3e2-7c1b-7d9a-8f00-1234567890ac\"",
            IdRule::MustBe(path),
            false,
        ),
        ("1", IdRule::MustBe(path), false),
        ("1", IdRule::Ignored, true),
        ("\"x\"", IdRule::Names, false),
    ] {
        assert_eq!(
            Draft::parse(&body(id), rule).is_ok(),
            passes,
            "{id} {rule:?}"
        );
    }
    assert_eq!(
        Draft::parse(&body(same), IdRule::Names)
            .expect("a person")
            .id,
        Some(path)
    );
}

#[test]
fn a_merge_patch_is_rfc_7396_on_the_users_fields() {
    let id: PersonId = "0190f3e2-7c1b-7d9a-8f00-1234567890ab"
        .parse()
        .expect("an id");
    let current = Draft::parse(
        &with_attributes(r#"{"a":{"b":1,"c":2},"l":[1]}"#),
        IdRule::Ignored,
    )
    .expect("a person")
    .fields
    .to_json();
    let patched = |patch: &str| {
        MergePatch::parse(patch, id)
            .and_then(|patch| patch.apply(&current))
            .map(|draft| draft.fields.to_json().as_str().to_owned())
    };
    let patch = concat!(
        r#"{"age":37,"id":null,"revision":"x","#,
        r#""attributes":{"a":{"b":null,"d":{"e":null}},"l":[2,null]}}"#
    );
    assert_eq!(
        patched(patch).expect("a person"),
        concat!(
            r#"{"firstName":"Ada","lastName":"Lovelace","age":37,"job":"Mathematician","#,
            r#""attributes":{"a":{"c":2,"d":{}},"l":[2,null]}}"#
        )
    );
    assert_eq!(patched(r#"{"attributes":null}"#).expect("a person"), ADA);
    for wrong in [
        r#"{"nick":null}"#,
        r#"{"age":null}"#,
        r#"{"x":1}"#,
        "[]",
        "null",
        r#"{"attributes":{"n":99999999999999999999}}"#,
        r#"{"age":1,"age":2}"#,
    ] {
        assert!(
            matches!(patched(wrong), Err(Rejection::Invalid(_))),
            "{wrong}"
        );
    }
    assert!(matches!(patched("{"), Err(Rejection::Malformed { .. })));
}

//! Refused filters: the position of the error, the suggested replacement, and each limit with the
//! largest valid filter.

use people_gateway::filter::{Filter, FilterError};

fn refusal(text: &str) -> FilterError {
    Filter::parse(text)
        .err()
        .unwrap_or_else(|| panic!("{text} is refused"))
}

/// Asserts that filters are refused. A case is a filter with its error between ⟦ and ⟧, and part of
/// the error's detail.
fn assert_refused(cases: &[(&str, &str)]) {
    for (marked, detail) in cases {
        let text = marked.replace(['⟦', '⟧'], "");
        let error = refusal(&text);
        let offset = marked.chars().position(|char| char == '⟦').expect("a mark");
        let length = marked.chars().position(|char| char == '⟧').expect("a mark") - offset - 1;
        assert_eq!(
            (error.offset, error.length),
            (offset, length),
            "{marked}: {error}"
        );
        assert!(error.detail.contains(detail), "{marked}: {error}");
    }
}

#[test]
fn a_literal_of_the_wrong_type_is_refused() {
    assert_refused(&[
        ("age == ⟦\"x\"⟧", "age is a number"),
        (
            "job == \"😀é\" && age == ⟦\"30\"⟧",
            "write 30 without quotes",
        ),
        ("⟦true⟧ != age", "age is a number"),
        ("age in [1, ⟦'x'⟧]", "age is a number"),
        ("age == ⟦null⟧", "never null"),
        ("firstName == ⟦3⟧", "in quotes"),
        ("job in ['a', ⟦-1⟧]", "in quotes"),
        ("id == ⟦'x'⟧", "UUID"),
        ("id in [⟦'0190f3e27c1b7d9a8f001234567890ab'⟧]", "UUID"),
        ("id == ⟦1⟧", "in quotes"),
        ("⟦age.startsWith⟧('3')", "age is a number"),
        ("size(⟦age⟧) == 1", "no size"),
        ("⟦age.size⟧() == 1", "no size"),
        ("⟦'a' in job⟧", "contains"),
        ("⟦1 in age⟧", "age == 30"),
        ("has(⟦job⟧)", "has(attributes.x)"),
        ("size(job) == ⟦1.5⟧", "integer"),
        ("⟦'1'⟧ < job.size()", "integer"),
    ]);
}

#[test]
fn cel_outside_the_subset_is_refused_with_a_replacement() {
    assert_refused(&[
        ("⟦firstName == lastName⟧", "literal on one side"),
        ("⟦age in attributes.ages⟧", "literal"),
        ("⟦1 == 1⟧", "path"),
        ("age ⟦+⟧ 1 == 2", "literal"),
        ("⟦-age⟧ == 2", "before a number"),
        ("age == 1 ⟦-⟧ 2", "joined by && or ||"),
        ("attributes.x[⟦0⟧] == 1", "LITERAL in PATH"),
        ("age > 1 ⟦?⟧ true : false", "(a && b) || (!a && c)"),
        ("attributes.l.⟦exists⟧(x, x == 1)", "LITERAL in PATH"),
        ("⟦attributes.x⟧", "== true"),
        ("!⟦attributes.x⟧ && age > 3", "== true"),
        ("⟦age⟧", "age >= 18"),
        ("⟦attributes⟧ == 1", "attributes.name"),
        ("'x' in ⟦attributes⟧", "attributes.name"),
        ("⟦attributes⟧.size() == 1", "attributes.name"),
        ("⟦revision⟧ == '1'", "attributes"),
        ("⟦createdAt⟧ < 'x'", "attributes"),
        ("⟦city⟧ == 'Oslo'", "attributes.city"),
        ("⟦FirstName⟧ == 'a'", "write firstName"),
        ("⟦first_name⟧ == 'a'", "write firstName"),
        ("firstName.⟦first⟧ == 'a'", "nothing inside"),
        ("⟦job.contains('a') == true⟧", "leave the comparison out"),
        ("⟦has(attributes.x) in [true]⟧", "leave out the in"),
        ("job.⟦lowerAscii⟧() == 'a'", "startsWith"),
        ("⟦int⟧(age) == 1", "no function int"),
        ("⟦contains⟧(job, 'a')", "PATH.contains"),
        ("'abc'⟦.⟧contains(job)", "Only a path"),
        ("job.matches(⟦lastName⟧)", "in quotes"),
        ("job.startsWith('a'⟦,⟧ 'b')", "one argument"),
        ("size(⟦'abc'⟧) == 3", "path"),
        ("has(⟦attributes['x']⟧)", "!= null"),
        ("⟦size(attributes.l) in [1]⟧", "size"),
        ("attributes.x == ⟦[1]⟧", "in [...]"),
        ("job in ⟦'abc'⟧", "list"),
        ("⟦'a' in ['a']⟧", "path"),
        ("age in [⟦age⟧]", "literals only"),
        ("age in [⟦[⟧1]]", "literal"),
        ("1 < age ⟦<⟧ 3", "join comparisons by &&"),
        ("!age ⟦==⟧ 3", "!(...)"),
        ("age == ⟦!⟧true", "!(...)"),
        ("⟦b⟧'x' == job", "bytes"),
        ("job == ⟦{⟧}", "Objects"),
    ]);
}

#[test]
fn a_typing_error_is_refused_at_its_position() {
    assert_refused(&[
        ("age ⟦=⟧ 3", "=="),
        ("age > 3 ⟦&⟧ age < 5", "&&"),
        ("age > 3 ⟦|⟧ age < 5", "||"),
        ("age > 3 ⟦and⟧ age < 5", "&&"),
        ("⟦not⟧ (age > 3)", "!"),
        ("age >= 3 &&⟦⟧", "missing"),
        ("age >=⟦⟧", "missing"),
        ("(age > 3⟦⟧", "Close"),
        ("age > 3⟦)⟧", "leave this one out"),
        ("(⟦)⟧", "condition"),
        ("(⟦age⟧) > 3", "age >= 18"),
        ("(age > 3) ⟦==⟧ true", "leave them out"),
        ("job == ⟦\"a⟧", "End the text"),
        ("job == ⟦'a⟧\n'", "End the text"),
        ("job == \"a⟦\\q⟧\"", "\\\\"),
        ("job == ⟦“⟧a”", "straight quotes"),
        ("attributes.⟦in⟧ == 1", "[\"any name\"]"),
        ("attributes['x'⟦==⟧ 1", "]"),
        ("age == ⟦9223372036854775808000⟧", "64 bits"),
        ("age == ⟦-9223372036854775809⟧", "64 bits"),
        ("age == ⟦1e999⟧", "double"),
        ("job.matches(⟦'a('⟧)", "unclosed group"),
        ("⟦💥⟧ == 1", "outside a text"),
        ("attributes.gr⟦ö⟧ße == 1", "[\"any name\"]"),
    ]);
}

#[test]
fn a_filter_has_at_most_16_kib() {
    let sized = |bytes: usize| format!("job == '{}'", "x".repeat(bytes - 9));
    assert!(Filter::parse(&sized(16_384)).is_ok());
    let error = refusal(&sized(16_385));
    assert_eq!((error.offset, error.length), (16_384, 1));
    let error = refusal(&"é".repeat(8_193));
    assert_eq!(
        (error.offset, error.length),
        (8_192, 1),
        "positions count code points, and the limit counts bytes"
    );
}

#[test]
fn a_filter_has_at_most_64_conditions() {
    for (condition, by) in [
        ("age == 1", " && "),
        ("true", "||"),
        ("has(attributes.x)", " || "),
    ] {
        let filter = |count: usize| vec![condition; count].join(by);
        assert!(Filter::parse(&filter(64)).is_ok());
        let error = refusal(&filter(65));
        assert_eq!(error.offset, filter(64).len() + by.len());
        assert!(error.detail.contains("64"), "{error}");
    }
}

#[test]
fn a_filter_has_at_most_8_levels() {
    // Nested chains, alternately of && and of ||.
    let chains = |levels: usize| {
        (0..levels).fold("true".to_owned(), |inner, level| {
            format!(
                "age > 1 {} ({inner})",
                if level % 2 == 0 { "&&" } else { "||" }
            )
        })
    };
    let shapes: [&dyn Fn(usize) -> String; 4] = [
        &|levels| chains(levels).replace("(true)", "true"),
        &|levels| format!("{}true", "!".repeat(levels)),
        &|levels| format!("{}age > 1{}", "!(".repeat(levels), ")".repeat(levels)),
        &|levels| format!("{}age > 1{}", "(".repeat(levels), ")".repeat(levels)),
    ];
    for (number, shape) in shapes.iter().enumerate() {
        assert!(Filter::parse(&shape(8)).is_ok(), "{}", shape(8));
        let error = refusal(&shape(9));
        assert!(error.detail.contains("8 levels"), "shape {number}: {error}");
        assert!(Filter::parse(&shape(1000)).is_err(), "shape {number}");
    }
}

#[test]
fn a_chain_adds_one_level_and_a_list_adds_none() {
    let chain = vec!["age in [1, 2, 3]"; 60].join(" && ");
    let nested = format!("{}{chain}{}", "!(".repeat(7), ")".repeat(7));
    assert!(Filter::parse(&nested).is_ok());
    assert!(Filter::parse(&format!("!({nested})")).is_err());
    let pairs = (0..60).fold("true".to_owned(), |inner, number| {
        format!("({inner} || age == {number})")
    });
    assert!(
        Filter::parse(&pairs).is_ok(),
        "parentheses around each pair of a chain add no level"
    );
}

#[test]
fn a_filter_has_at_most_1000_list_items_in_all() {
    let filter = |items: usize| format!("age in [{}1] || age in [1, 2]", "1,".repeat(items - 3));
    assert!(Filter::parse(&filter(1000)).is_ok());
    let error = refusal(&filter(1001));
    assert_eq!((error.offset, error.length), (filter(1001).len() - 2, 1));
    assert!(error.detail.contains("1000"), "{error}");
}

#[test]
fn a_compiled_pattern_has_at_most_256_kib() {
    assert!(Filter::parse("job.matches('^[a-z]{1,500}$')").is_ok());
    for pattern in [
        "[a-z]{20000}",
        "\\\\w{1000}",
        "(a{1000}){1000}",
        "((((x{100}){100}){100}){100})",
    ] {
        let error = refusal(&format!("job.matches(\"{pattern}\")"));
        assert_eq!(error.offset, 12, "{error}");
        assert!(error.detail.contains("262144 bytes"), "{error}");
    }
}

#[test]
fn patterns_have_an_expanded_length_of_at_most_16384_in_all() {
    let filter = |count: usize| vec![r#"job.matches("[ab]{1000}")"#; count].join(" || ");
    assert!(Filter::parse(&filter(16)).is_ok());
    let error = refusal(&filter(17));
    assert_eq!(
        (error.offset, error.length),
        (filter(16).len() + 16, 12),
        "{error}"
    );
    assert!(
        error.detail.contains("16384") && error.detail.contains("17000"),
        "{error}"
    );
    // Each `+` doubles the length, which ends at the greatest number and must not begin anew there.
    let endless = format!(r#"job.matches("ab") || job.matches("a{}")"#, "+".repeat(70));
    let error = refusal(&endless);
    assert!(error.detail.contains("16384"), "{error}");
}

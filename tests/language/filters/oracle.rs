//! Filters compared with the interpreter of the crate cel, which shares no code with the gateway.
//!
//! The interpreter evaluates single conditions, and an error counts as false. The test combines the
//! results itself, because `&&` and `||` of CEL propagate errors and those of filters do not.

use std::collections::HashMap;

use cel::{Context, Program, Value as Cel};
use people_gateway::filter::Filter;
use proptest::prelude::*;
use serde_json::Value;

use crate::filters::people::{PersonSample, any_person, expression};

/// A JSON value as a value of CEL.
fn cel_value(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Cel::Int(integer),
            None => Cel::Float(number.as_f64().expect("a number")),
        },
        Value::String(text) => Cel::from(text.as_str()),
        Value::Array(list) => Cel::from(list.iter().map(cel_value).collect::<Vec<_>>()),
        Value::Object(object) => Cel::from(
            object
                .iter()
                .map(|(key, value)| (key.as_str(), cel_value(value)))
                .collect::<HashMap<_, _>>(),
        ),
    }
}

fn cel_matches(condition: &str, person: &PersonSample) -> bool {
    let program = Program::compile(condition).expect("a condition of the subset is CEL");
    let mut context = Context::default();
    context.add_variable_from_value("id", cel_value(&person.id.to_string().into()));
    for (name, value) in person.fields.as_object().expect("an object") {
        context.add_variable_from_value(name.clone(), cel_value(value));
    }
    matches!(program.execute(&context), Ok(Cel::Bool(true)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_filter_matches_the_people_that_cel_matches(
        expression in expression(),
        person in any_person(),
    ) {
        let text = expression.text();
        let filter = Filter::parse(&text)
            .map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        let expected = expression.is_true(&|condition| cel_matches(condition, &person));
        let matches = filter.matches(person.id, &person.json());
        prop_assert_eq!(matches, expected, "{} of {}", text, person.fields);
    }
}

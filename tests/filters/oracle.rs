//! Our filters against the interpreter of the crate cel, which shares no code with ours.
//!
//! Each single condition is evaluated by it, an error counting as false; the conditions are joined
//! here, because CEL's own `&&` and `||` carry errors on, and ours are two-valued.

use std::collections::HashMap;

use cel::{Context, Program, Value as Cel};
use people_gateway::filter::Filter;
use proptest::prelude::*;
use serde_json::Value;

use crate::people::{Someone, expression, someone};

/// A JSON value as CEL has it.
fn in_cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Cel::Int(integer),
            None => Cel::Float(number.as_f64().expect("a number")),
        },
        Value::String(text) => Cel::from(text.as_str()),
        Value::Array(list) => Cel::from(list.iter().map(in_cel).collect::<Vec<_>>()),
        Value::Object(object) => Cel::from(
            object
                .iter()
                .map(|(key, value)| (key.as_str(), in_cel(value)))
                .collect::<HashMap<_, _>>(),
        ),
    }
}

fn says_cel(condition: &str, person: &Someone) -> bool {
    let program = Program::compile(condition).expect("a condition of the subset is CEL");
    let mut context = Context::default();
    context.add_variable_from_value("id", in_cel(&person.id.to_string().into()));
    for (name, value) in person.fields.as_object().expect("an object") {
        context.add_variable_from_value(name.clone(), in_cel(value));
    }
    matches!(program.execute(&context), Ok(Cel::Bool(true)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_filter_says_of_everyone_what_cel_says(expression in expression(), person in someone()) {
        let text = expression.text();
        let filter = Filter::parse(&text)
            .map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        let expected = expression.is_true(&|condition| says_cel(condition, &person));
        let matches = filter.matches(person.id, &person.json());
        prop_assert_eq!(matches, expected, "{} of {}", text, person.fields);
    }
}

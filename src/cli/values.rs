//! Texts that may be values: what a cell of CSV or a flag means as JSON, and where in the attributes it belongs.

use serde_json::{Map, Value};

/// One attribute: the names on the way to it, and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attribute {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
}

/// The value that a text is: a number, `true`, `false`, a list or an object where it is exactly that, else the text.
/// Exactly: `007`, `1.50` and `1e3` are texts, because a number would be written in another way.
pub(super) fn typed(text: &str) -> Value {
    match text.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => match serde_json::from_str::<Value>(text) {
            Ok(number) if number.to_string().eq(text) => number,
            _ => text.into(),
        },
        Some(b't' | b'f') => text.parse::<bool>().map_or_else(|_| text.into(), Value::from),
        Some(b'[' | b'{') => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        _ => text.into(),
    }
}

/// The items between `;`, without the blanks around them; none of them is empty. An item is typed as a text of its own.
pub(super) fn list(text: &str) -> Value {
    text.split(';').map(str::trim).filter(|item| !item.is_empty()).map(typed).collect()
}

/// A flag's `NAME=VALUE`. Beside what [`typed`] takes, the value may be `null` or a JSON string.
pub(super) fn attribute(flag: &str) -> Result<Attribute, String> {
    let Some((name, value)) = flag.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err("expected NAME=VALUE, such as city=London".to_owned());
    };
    let value = match serde_json::from_str::<Value>(value) {
        Ok(value @ (Value::Null | Value::String(_))) => value,
        _ => typed(value),
    };
    Ok(Attribute { path: path(name), value })
}

/// `address.city` is `city` inside `address`.
pub(super) fn path(name: &str) -> Vec<String> {
    name.split('.').map(str::to_owned).collect()
}

/// The attributes as one object. Of two for the same place the later one counts.
pub(super) fn object(attributes: &[Attribute]) -> Value {
    let mut object = Map::new();
    for Attribute { path, value } in attributes {
        insert(&mut object, path, value.clone());
    }
    object.into()
}

/// Puts a value into its place; what stands on the way and is no object is replaced by one.
pub(super) fn insert(object: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => drop(object.insert(name.clone(), value)),
        [name, rest @ ..] => {
            let inner = object.entry(name.clone()).or_insert_with(|| Map::new().into());
            if !inner.is_object() {
                *inner = Map::new().into();
            }
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // The console's tests have the same examples.
    #[test]
    fn a_text_is_typed_only_where_it_is_exactly_the_value() {
        for (text, value) in [
            ("7", json!(7)),
            ("-7", json!(-7)),
            ("1.5", json!(1.5)),
            ("18446744073709551615", json!(u64::MAX)),
            ("true", json!(true)),
            ("false", json!(false)),
            ("[1,\"a\"]", json!([1, "a"])),
            ("{\"a\":{}}", json!({"a": {}})),
            ("-9223372036854775808", json!(i64::MIN)),
            ("1.0", json!(1.0)),
            ("-0.0", json!(-0.0)),
            ("1e+16", json!(1e16)),
            ("1000000000000000.0", json!(1e15)),
            ("1.5e+300", json!(1.5e300)),
            ("1e-6", json!(1e-6)),
            ("0.00001", json!(0.000_01)),
            ("123456789012345.6", json!(123_456_789_012_345.6)),
            ("0.30000000000000004", json!(0.300_000_000_000_000_04)),
        ] {
            assert_eq!(typed(text), value, "{text}");
        }
        for text in [
            "",
            "007",
            "1.50",
            "1e3",
            "+7",
            " 7",
            "7 ",
            "-",
            "-0",
            "18446744073709551616",
            "1,5",
            "True",
            "null",
            "[1",
            "{a}",
            "\"7\"",
            "NaN",
            "0x1",
            "--7",
            "-9223372036854775809",
            "0.000001",
            "1e-5",
            "1e16",
            "10000000000000000.0",
            "1E16",
            "1e400",
            "123456789.123456789",
        ] {
            assert_eq!(typed(text), json!(text), "{text}");
        }
    }

    #[test]
    fn a_list_has_its_items_and_no_empty_ones() {
        assert_eq!(list("chess; go;7;;true"), json!(["chess", "go", 7, true]));
        assert_eq!((list(""), list(" ; ")), (json!([]), json!([])));
    }

    #[test]
    fn attributes_of_flags_find_their_place() {
        let flags = ["city=London", "a.b=1", "a.c=\"1\"", "x=null", "y=a=b", "z=", "n=1.50"];
        let attributes: Vec<_> = flags.iter().map(|flag| attribute(flag).unwrap()).collect();
        let expected = json!({"city": "London", "a": {"b": 1, "c": "1"}, "x": null, "y": "a=b", "z": "", "n": "1.50"});
        assert_eq!(object(&attributes), expected);
        assert!(attribute("city").is_err() && attribute("=x").is_err());
    }
}

//! Texts as values: the JSON of a CSV cell or a flag, and its path in the attributes.

mod formula;

pub(super) use formula::{protect, unprotect};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::domain::{MAX_ATTRIBUTES_DEPTH, age, strict};

/// An attribute: its path and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attribute {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
}

/// Another value is at this path, or at a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is given twice")]
pub(super) struct PathConflict;

/// The value of a text: a number, `true`, `false`, a list or an object if the text is exactly that,
/// else the text itself. `007`, `1.50` and `1e3` are texts, because JSON would write these numbers
/// differently. Refuses lists and objects that the gateway would refuse (a key twice, an integer
/// beyond 64 bits), in the gateway's words.
pub(super) fn typed(text: &str) -> Result<Value, String> {
    Ok(match text.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => match serde_json::from_str::<Value>(text) {
            Ok(number) if number.to_string().eq(text) => number,
            _ => text.into(),
        },
        Some(b't' | b'f') => text
            .parse::<bool>()
            .map_or_else(|_| text.into(), Value::from),
        Some(b'[' | b'{') if serde_json::from_str::<&RawValue>(text).is_ok() => {
            strict::value(text, MAX_ATTRIBUTES_DEPTH)?
        }
        _ => text.into(),
    })
}

/// A list of the items between `;`, without blanks around them and without empty ones. Each item is
/// [`typed`].
pub(super) fn list(text: &str) -> Result<Value, String> {
    text.split(';')
        .map(trimmed)
        .filter(|item| !item.is_empty())
        .map(typed)
        .collect()
}

/// The number of a text, in any spelling: `007`, `+7`, `1.50`, `1e3`.
pub(super) fn number(text: &str) -> Result<Value, String> {
    let fault = || "must be a number, such as 7, -1.5 or 1e3".to_owned();
    let (sign, digits) = match trimmed(text).split_at_checked(1) {
        Some(("-", digits)) => ("-", digits),
        Some(("+", digits)) => ("", digits),
        _ => ("", trimmed(text)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(fault());
    }
    let whole = digits.trim_start_matches('0');
    let zero = if whole.starts_with(|c: char| c.is_ascii_digit()) {
        ""
    } else {
        "0"
    };
    let written = format!("{sign}{zero}{whole}");
    serde_json::from_str::<&RawValue>(&written).map_err(|_| fault())?;
    strict::value(&written, 1)
}

/// The value of an age's cell, in any spelling of the number. The gateway reports other values.
pub(super) fn years(text: &str) -> Value {
    let text = trimmed(text);
    age(text).map_or_else(|| typed(text).unwrap_or_else(|_| text.into()), Value::from)
}

/// The text without white space and byte order marks at its ends.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// The attribute of a flag `NAME=VALUE`. The value is [`typed`], or `null`, or a JSON string.
pub(super) fn attribute(flag: &str) -> Result<Attribute, String> {
    let Some((name, value)) = flag.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err("expected NAME=VALUE, such as city=London".to_owned());
    };
    let value = match serde_json::from_str::<Value>(value) {
        Ok(value @ (Value::Null | Value::String(_))) => value,
        _ => typed(value)?,
    };
    Ok(Attribute {
        path: path(name),
        value,
    })
}

/// The separator of cells: one ASCII character, or the word `tab`.
pub(super) fn separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" => Ok(b'\t'),
        [byte]
            if byte.is_ascii()
                && !matches!(byte, b'"' | b'\r' | b'\n')
                && !byte.is_ascii_alphanumeric() =>
        {
            Ok(*byte)
        }
        _ => Err("expected one character, such as ; or the word tab".to_owned()),
    }
}

/// The path of a name: `address.city` is `city` inside `address`.
pub(super) fn path(name: &str) -> Vec<String> {
    name.split('.').map(str::to_owned).collect()
}

/// The attributes as one object; the error is the attribute with a conflict.
pub(super) fn object(attributes: &[Attribute]) -> Result<Value, &Attribute> {
    let mut object = Map::new();
    for attribute in attributes {
        insert(&mut object, &attribute.path, attribute.value.clone())
            .map_err(|PathConflict| attribute)?;
    }
    Ok(object.into())
}

/// Inserts a value at its path.
pub(super) fn insert(
    object: &mut Map<String, Value>,
    path: &[String],
    value: Value,
) -> Result<(), PathConflict> {
    match path {
        [] => Ok(()),
        [name] if object.contains_key(name) => Err(PathConflict),
        [name] => {
            object.insert(name.clone(), value);
            Ok(())
        }
        [name, rest @ ..] => {
            let inner = object
                .entry(name.clone())
                .or_insert_with(|| Map::new().into());
            insert(inner.as_object_mut().ok_or(PathConflict)?, rest, value)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // The console's tests have the same examples.
    #[test]
    fn a_text_is_typed_only_if_it_is_exactly_the_value() {
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
            assert_eq!(typed(text), Ok(value), "{text}");
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
            assert_eq!(typed(text), Ok(json!(text)), "{text}");
        }
        for (text, words) in [
            ("{\"a\":1,\"a\":2}", "\"a\" is given twice"),
            ("[{\"a\":1,\"\\u0061\":2}]", "\"a\" is given twice"),
            ("[99999999999999999999]", "beyond 64 bits"),
            ("[1e400]", "out of range"),
            ("[\"\\ud800\"]", "hex escape"),
            ("[[[[[[[[[]]]]]]]]]", "nested deeper"),
        ] {
            assert!(
                typed(text).unwrap_err().contains(words),
                "{text}: {:?}",
                typed(text)
            );
        }
    }

    #[test]
    fn a_number_may_have_any_spelling() {
        for (text, value) in [
            ("7", json!(7)),
            (" 007 ", json!(7)),
            ("+7", json!(7)),
            ("-0.50", json!(-0.5)),
            ("1E3", json!(1000.0)),
            ("00", json!(0)),
            ("00.5", json!(0.5)),
            ("18446744073709551615", json!(u64::MAX)),
        ] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        for text in [
            "",
            "-",
            "+-7",
            "1,5",
            "1.",
            ".5",
            "1e",
            "0x1",
            "NaN",
            "7 7",
            "99999999999999999999",
            "1e400",
            "é7",
        ] {
            assert!(number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_list_has_no_empty_items() {
        assert_eq!(
            list("chess; go;7;;true"),
            Ok(json!(["chess", "go", 7, true]))
        );
        assert_eq!((list(""), list(" ; ")), (Ok(json!([])), Ok(json!([]))));
        assert!(list("a;{\"a\":1,\"a\":2}").is_err());
    }

    #[test]
    fn attributes_of_flags_are_put_at_their_paths() {
        let flags = [
            "city=London",
            "a.b=1",
            "a.c=\"1\"",
            "x=null",
            "y=a=b",
            "z=",
            "n=1.50",
        ];
        let attributes: Vec<_> = flags.iter().map(|flag| attribute(flag).unwrap()).collect();
        let expected = json!({
            "city": "London", "a": {"b": 1, "c": "1"}, "x": null, "y": "a=b", "z": "", "n": "1.50",
        });
        assert_eq!(object(&attributes), Ok(expected));
        for twice in [["a=1", "a=2"], ["a=1", "a.b=2"], ["a.b=1", "a=2"]] {
            let attributes = twice.map(|flag| attribute(flag).unwrap());
            assert_eq!(object(&attributes), Err(&attributes[1]), "{twice:?}");
        }
        assert!(attribute("city").is_err() && attribute("=x").is_err());
    }
}

//! An age as JSON may write it: `36`, `36.0` and `3.6e1` are one number, an integer as JSON Schema
//! has it.

/// The highest age, in years.
pub(super) const MAX_AGE: u8 = 150;

/// The age that a JSON number is; none where it is no number, has a fraction, or lies outside of 0
/// to [`MAX_AGE`]. The text decides, digit by digit: as a float, `36.00000000000000001` would be
/// 36.
pub(crate) fn age(json: &str) -> Option<u8> {
    let number = json.strip_prefix('-').unwrap_or(json);
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let are_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let leads_with_zero = whole.len() > 1 && whole.starts_with('0');
    if leads_with_zero
        || ![whole, fraction, exponent_digits]
            .into_iter()
            .all(are_digits)
    {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    // Of a number that is not zero, an exponent beyond 64 bits makes no age.
    let exponent: i64 = exponent.parse().ok()?;
    let zeros_at_the_end = digits.len() - digits.trim_end_matches('0').len();
    let places = i64::try_from(zeros_at_the_end)
        .ok()?
        .checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let power = u32::try_from(exponent.checked_add(places)?).ok()?;
    let value = 10_u32
        .checked_pow(power)?
        .checked_mul(significant.parse().ok()?)?;
    u8::try_from(value)
        .ok()
        .filter(|age| *age <= MAX_AGE && !json.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn any_spelling_of_an_integer_is_an_age() {
        for (text, expected) in [
            ("36", 36),
            ("36.0", 36),
            ("36.000", 36),
            ("3.6e1", 36),
            ("3.6E+1", 36),
            ("360e-1", 36),
            ("0.036e3", 36),
            ("0", 0),
            ("-0", 0),
            ("-0.0", 0),
            ("0e99999999999999999999", 0),
            ("150.0", 150),
            ("1.5e2", 150),
            ("1500000000000000000000000000000000000e-34", 150),
        ] {
            assert_eq!(age(text), Some(expected), "{text}");
        }
        for text in [
            "36.5",
            "-1",
            "-36.0",
            "151",
            "1.51e2",
            "1e3",
            "1e99999999999999999999",
            "36e-1",
            "36.00000000000000000001",
            "1e-99999999999999999999",
            "036",
            "+36",
            "36.",
            ".5",
            "36e",
            "36e+",
            "",
            "-",
            "\"36\"",
            "null",
            "true",
            "[36]",
            " 36",
            "٣٦",
        ] {
            assert_eq!(age(text), None, "{text}");
        }
    }

    proptest! {
        // `years` begins at 1: a number of JSON has no leading zeros.
        #[test]
        fn a_moved_decimal_point_gives_the_same_age(
            years in 1_u32..1000, places in 0_i32..12, more in "0{0,5}",
        ) {
            let digits = format!("{years}{}", "0".repeat(usize::try_from(places).unwrap()));
            let expected = u8::try_from(years).ok().filter(|years| *years <= MAX_AGE);
            prop_assert_eq!(age(&format!("{digits}e-{places}")), expected);
            prop_assert_eq!(age(&format!("{years}.0{more}")), expected);
            let fraction = format!("0.{years:012}e12");
            prop_assert_eq!(age(&fraction), expected, "{}", fraction);
        }

        #[test]
        fn a_number_with_a_fraction_is_no_age(whole in 0_u8..150, fraction in "[0-9]{0,20}[1-9]") {
            let written = format!("{whole}.{fraction}");
            prop_assert_eq!(age(&written), None);
        }
    }
}

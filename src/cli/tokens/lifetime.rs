//! How long a token lasts, as it is written on the command line.

use std::str::FromStr;
use std::time::Duration;

/// A time of at least one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lifetime(pub(super) Duration);

/// A text that is no such time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has to be a number and s, m, h or d, as in 90s, 15m, 1h or 7d")]
pub(super) struct InvalidLifetime;

impl FromStr for Lifetime {
    type Err = InvalidLifetime;

    fn from_str(text: &str) -> Result<Self, InvalidLifetime> {
        let (number, unit) = text
            .char_indices()
            .next_back()
            .map(|(at, unit)| (&text[..at], unit))
            .ok_or(InvalidLifetime)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(InvalidLifetime),
        };
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let number: Option<u64> = number
            .parse()
            .ok()
            .filter(|number| is_number && *number > 0);
        let seconds = number.and_then(|number| number.checked_mul(seconds));
        seconds
            .map(|seconds| Self(Duration::from_secs(seconds)))
            .ok_or(InvalidLifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_number_with_a_unit() {
        for (text, seconds) in [
            ("1s", 1),
            ("90s", 90),
            ("15m", 900),
            ("1h", 3600),
            ("7d", 604_800),
        ] {
            assert_eq!(text.parse(), Ok(Lifetime(Duration::from_secs(seconds))));
        }
        for text in [
            "",
            "h",
            "1",
            "0s",
            "-1s",
            "+1s",
            "1.5h",
            "1H",
            "1 h",
            "1ä",
            "99999999999999999d",
        ] {
            assert_eq!(text.parse::<Lifetime>(), Err(InvalidLifetime), "{text}");
        }
    }
}

//! A quantity over several turns: its median with its spread, and its ratio to another one, turn by
//! turn.

use std::fmt;

use serde_json::{Value, json};

/// The values of a quantity, in the order of the turns.
#[derive(Clone, Debug, Default)]
pub struct Series(Vec<f64>);

impl Series {
    /// Adds a turn's value.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The median; the mean of the two middle values if their number is even; NaN without values.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match (
            sorted.get(sorted.len().wrapping_sub(1) / 2),
            sorted.get(sorted.len() / 2),
        ) {
            (Some(low), Some(high)) => f64::midpoint(*low, *high),
            _ => f64::NAN,
        }
    }

    /// The lowest and the highest value.
    fn range(&self) -> (f64, f64) {
        self.0
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(*value), high.max(*value))
            })
    }

    /// The ratio to another series, turn by turn. Turns that are close in time are compared, so
    /// common disturbances cancel.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        self.against(other, |ours, theirs| ours / theirs)
    }

    /// Combines this series with another one, turn by turn.
    #[must_use]
    pub fn against(&self, other: &Self, compare: impl Fn(f64, f64) -> f64) -> Self {
        self.0
            .iter()
            .zip(&other.0)
            .map(|(ours, theirs)| compare(*ours, *theirs))
            .collect()
    }

    /// The series as JSON.
    pub fn json(&self) -> Value {
        let (low, high) = self.range();
        json!({ "median": self.median(), "low": low, "high": high, "turns": self.0 })
    }
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl fmt::Display for Series {
    /// Writes `median (lowest-highest)` with the requested precision; the median alone if all
    /// values are equal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = f.precision().unwrap_or(2);
        let (low, high) = self.range();
        write!(f, "{:.precision$}", self.median())?;
        if low.total_cmp(&high).is_ne() {
            write!(f, " ({low:.precision$}-{high:.precision$})")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn series(values: &[f64]) -> Series {
        values.iter().copied().collect()
    }

    #[test]
    fn the_median_is_the_middle_value_or_the_mean_of_two() {
        assert_eq!(
            series(&[9.0, 1.0, 2.0]).median().to_bits(),
            2.0_f64.to_bits()
        );
        assert_eq!(
            series(&[9.0, 1.0, 2.0, 4.0]).median().to_bits(),
            3.0_f64.to_bits()
        );
        assert!(series(&[]).median().is_nan());
    }

    #[test]
    fn the_text_shows_the_spread_if_there_is_one() {
        assert_eq!(format!("{:.1}", series(&[3.0, 1.0, 2.0])), "2.0 (1.0-3.0)");
        assert_eq!(format!("{:.0}", series(&[3.0])), "3");
    }

    #[test]
    fn a_ratio_is_taken_turn_by_turn_before_its_median() {
        let ratio = series(&[10.0, 40.0, 60.0]).over(&series(&[10.0, 20.0, 10.0]));
        assert_eq!(format!("{ratio:.0}"), "2 (1-6)");
        assert_eq!(ratio.json()["turns"], json!([1.0, 2.0, 6.0]));
    }
}

//! The same quantity from several turns: its median with its spread, and turn by turn as a multiple
//! of another.

use std::fmt;

use serde_json::{Value, json};

/// The same quantity from several turns, in their order.
#[derive(Clone, Debug, Default)]
pub struct Series(Vec<f64>);

impl Series {
    /// Adds a turn's value.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle one; the mean of the two in the middle where their number is even; not a number
    /// where there is none.
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

    /// The lowest and the highest.
    fn range(&self) -> (f64, f64) {
        self.0
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(*value), high.max(*value))
            })
    }

    /// Turn by turn, this one as a multiple of the other. Neighbours in time are compared, so what
    /// disturbed both cancels.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        self.against(other, |ours, theirs| ours / theirs)
    }

    /// Turn by turn, what `compare` says of this one and the other.
    #[must_use]
    pub fn against(&self, other: &Self, compare: impl Fn(f64, f64) -> f64) -> Self {
        self.0
            .iter()
            .zip(&other.0)
            .map(|(ours, theirs)| compare(*ours, *theirs))
            .collect()
    }

    /// All of it for programs.
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
    /// As `median (lowest-highest)`, with the precision asked for; the median alone where all are
    /// the same.
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
    fn the_median_is_the_middle_whatever_the_order_and_the_mean_of_two_middles() {
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
    fn it_shows_the_spread_where_there_is_one() {
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

//! The same quantity from several turns: its median with its spread, and turn by turn as a multiple of another.

use std::fmt;

use serde_json::{Value, json};

/// The same quantity from several turns, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    /// Adds a turn's value.
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle one; the mean of the two in the middle where their number is even; not a number where there is none.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match (sorted.get(sorted.len().wrapping_sub(1) / 2), sorted.get(sorted.len() / 2)) {
            (Some(low), Some(high)) => f64::midpoint(*low, *high),
            _ => f64::NAN,
        }
    }

    /// The lowest and the highest.
    fn range(&self) -> (f64, f64) {
        self.0.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)))
    }

    /// Turn by turn, this one as a multiple of the other. Neighbours in time are compared, so what disturbed both cancels.
    pub(crate) fn over(&self, other: &Self) -> Self {
        self.against(other, |ours, theirs| ours / theirs)
    }

    /// Turn by turn, what `compare` says of this one and the other.
    pub(crate) fn against(&self, other: &Self, compare: impl Fn(f64, f64) -> f64) -> Self {
        self.0.iter().zip(&other.0).map(|(ours, theirs)| compare(*ours, *theirs)).collect()
    }

    /// All of it for programs.
    pub(crate) fn json(&self) -> Value {
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
    /// As `median (lowest-highest)`, with the precision asked for; the median alone where all are the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = f.precision().unwrap_or(2);
        let (low, high) = self.range();
        write!(f, "{:.precision$}", self.median())?;
        if low.total_cmp(&high).is_ne() { write!(f, " ({low:.precision$}-{high:.precision$})") } else { Ok(()) }
    }
}

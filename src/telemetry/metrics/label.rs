//! A label whose values are a closed list, so that no client decides how many series there are.

/// A type whose values are the values of a label.
pub trait Label: Copy + PartialEq + Send + Sync + 'static {
    /// The label's name in a series.
    const KEY: &'static str;

    /// Every value that is counted.
    const ALL: &'static [Self];

    /// The value's name in series, logs and traces.
    fn name(self) -> &'static str;

    /// The value's index in [`Label::ALL`].
    fn index(self) -> usize {
        let index = Self::ALL.iter().position(|value| *value == self);
        index.expect("ALL has every value that is counted")
    }
}

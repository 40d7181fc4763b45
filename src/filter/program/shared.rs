//! Filters in use, by their text: ten thousand clients with one of a hundred filters share a
//! hundred programs.

use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;

use super::scoped::Scoped;
use super::weak_table::WeakTable;
use super::{Filter, Program};
use crate::filter::error::FilterError;

/// Parses each text once for as long as the filter is in use.
#[derive(Default)]
pub struct SharedFilters {
    /// By text, and the address of the rule that a filter is within. A program keeps its rule, so
    /// no other rule has the address meanwhile.
    programs: WeakTable<(Box<str>, usize), Program>,
    /// Filters in use.
    count: Gauge,
}

impl SharedFilters {
    /// An empty table; `count` is the gauge of the filters in use.
    pub fn counted(count: Gauge) -> Self {
        Self {
            count,
            ..Self::default()
        }
    }

    /// The filter of this text within a rule; the limits and errors are those of
    /// [`Filter::parse`].
    pub fn within(&self, rule: Option<&Filter>, text: &str) -> Result<Scoped, FilterError> {
        let rule = rule.filter(|rule| !rule.is_everyone());
        let address = rule.map_or(0, |rule| Arc::as_ptr(&rule.0).addr());
        let make = || {
            let filter = match rule {
                Some(rule) => Filter::within(rule, Filter::parse(text)?, Some(&self.count)),
                None => Filter::parse_counted(text, &self.count)?,
            };
            Ok(filter.0)
        };
        let program = self.programs.get_or_make((text.into(), address), make)?;
        Ok(Scoped(Filter(program)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl SharedFilters {
        fn parse(&self, text: &str) -> Result<Filter, FilterError> {
            self.within(None, text).map(|scoped| scoped.0)
        }
    }

    #[test]
    fn a_text_is_parsed_once_while_its_filter_is_in_use() {
        let filters = SharedFilters::default();
        let one = filters.parse("age > 30").unwrap();
        assert!(Arc::ptr_eq(&one.0, &filters.parse("age > 30").unwrap().0));
        let dropped = Arc::downgrade(&filters.parse("age > 31").unwrap().0);
        assert!(dropped.upgrade().is_none(), "the table holds no filter");
        for age in 0..150 {
            filters.parse(&format!("age < {age}")).unwrap();
        }
        let entries = filters.programs.len();
        assert!(
            entries <= 32,
            "dropped filters are swept, {entries} are left"
        );
        assert!(filters.parse("age >").is_err());
        assert_eq!(
            filters.count.get(),
            1,
            "dropped and refused filters are not counted"
        );
        assert!(Arc::ptr_eq(&one.0, &filters.parse("age > 30").unwrap().0));
    }

    #[test]
    fn a_filter_is_shared_within_one_rule_only() {
        let filters = SharedFilters::default();
        let [red, blue] =
            ["red", "blue"].map(|team| Filter::parse(&format!("job == '{team}'")).unwrap());
        let within = |rule: Option<&Filter>| filters.within(rule, "age > 30").unwrap().0;
        let (one, other, alone) = (within(Some(&red)), within(Some(&blue)), within(None));
        assert!(Arc::ptr_eq(&one.0, &within(Some(&red)).0));
        assert!(one != other && one != alone && other != alone);
        assert_eq!((one.text(), one.asked()), ("age > 30", &alone));
        assert_eq!(filters.count.get(), 3);
        let everyone = Filter::default();
        assert!(Arc::ptr_eq(&alone.0, &within(Some(&everyone)).0));
    }

    #[test]
    fn a_sweep_keeps_every_filter_in_use() {
        let filters = SharedFilters::default();
        let text = |age: usize| format!("age < {age}");
        let held: Vec<Filter> = (0..150)
            .map(|age| filters.parse(&text(age)).unwrap())
            .collect();
        for (age, filter) in held.iter().enumerate() {
            assert!(Arc::ptr_eq(
                &filter.0,
                &filters.parse(&text(age)).unwrap().0
            ));
        }
        assert_eq!(filters.count.get(), 150);
    }
}

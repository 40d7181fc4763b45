//! Filters in use, by their text: ten thousand clients with one of a hundred filters share a
//! hundred programs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use prometheus_client::metrics::gauge::Gauge;

use super::error::FilterError;
use super::program::{Filter, Program};

/// Parses each text once for as long as the filter is in use. The table keeps no filter alive.
#[derive(Default)]
pub struct SharedFilters {
    table: Mutex<ProgramTable>,
    /// Filters in use.
    count: Gauge,
}

#[derive(Default)]
struct ProgramTable {
    by_text: HashMap<Box<str>, Weak<Program>>,
    /// Entries at which the next insertion first removes those of dropped filters.
    sweep_at: usize,
}

impl SharedFilters {
    /// An empty table; `count` is the gauge of the filters in use.
    pub fn counted(count: Gauge) -> Self {
        Self {
            count,
            ..Self::default()
        }
    }

    /// The filter of this text; the limits and errors are those of [`Filter::parse`].
    pub fn parse(&self, text: &str) -> Result<Filter, FilterError> {
        if let Some(program) = self.lock().get(text) {
            return Ok(Filter(program));
        }
        // Without the lock, because a long text takes its time.
        let filter = Filter::parse_counted(text, &self.count)?;
        self.lock().insert(text, &filter.0);
        Ok(filter)
    }

    fn lock(&self) -> MutexGuard<'_, ProgramTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProgramTable {
    /// Fewer entries are not worth a sweep.
    const SWEEP_MIN: usize = 32;

    fn get(&self, text: &str) -> Option<Arc<Program>> {
        self.by_text.get(text)?.upgrade()
    }

    /// Inserts a program. The table is swept each time that it has doubled, so an insertion takes
    /// constant time on average and the entries are at most twice the filters in use.
    fn insert(&mut self, text: &str, program: &Arc<Program>) {
        if self.by_text.len() >= self.sweep_at {
            self.by_text.retain(|_, program| program.strong_count() > 0);
            self.sweep_at = Self::SWEEP_MIN.max(2 * self.by_text.len());
            self.by_text.shrink_to(self.sweep_at);
        }
        self.by_text.insert(text.into(), Arc::downgrade(program));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let entries = filters.lock().by_text.len();
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

//! Filters that are in use, by their text: ten thousand clients with one of a hundred filters make
//! a hundred.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use prometheus_client::metrics::gauge::Gauge;
use weak_table::WeakValueHashMap;

use super::{Filter, FilterError, Parsed};

/// Reads each text once as long as somebody holds what was read. It holds none itself, so it keeps
/// no more than its users do; entries of filters that are gone are dropped as others are added.
#[derive(Default)]
pub struct SharedFilters {
    known: Mutex<WeakValueHashMap<Box<str>, Weak<Parsed>>>,
    /// How many are in use.
    count: Gauge,
}

/// Counts a filter from its reading to its end.
pub(super) struct InUse(Gauge);

impl InUse {
    fn of(count: &Gauge) -> Self {
        count.inc();
        Self(count.clone())
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl SharedFilters {
    /// None yet; `count` tells how many are in use.
    pub fn counted(count: Gauge) -> Self {
        Self {
            count,
            ..Self::default()
        }
    }

    /// The filter of this text, as [`Filter::parse`] reads it.
    pub fn parse(&self, text: &str) -> Result<Filter, FilterError> {
        if let Some(known) = self.lock().get(text) {
            return Ok(Filter(known));
        }
        // Not under the lock: a long text takes its time.
        let filter = Filter::read(text, Some(InUse::of(&self.count)))?;
        self.lock().insert(text.into(), Arc::clone(&filter.0));
        Ok(filter)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, WeakValueHashMap<Box<str>, Weak<Parsed>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_once_as_long_as_its_filter_is_in_use() {
        let filters = SharedFilters::default();
        let one = filters.parse("age > 30").unwrap();
        assert!(Arc::ptr_eq(&one.0, &filters.parse("age > 30").unwrap().0));
        let gone = Arc::downgrade(&filters.parse("age > 31").unwrap().0);
        assert!(gone.upgrade().is_none(), "nobody holds it");
        for age in 0..150 {
            filters.parse(&format!("age < {age}")).unwrap();
        }
        assert!(filters.lock().capacity() < 150, "what is gone makes room");
        assert!(filters.parse("age >").is_err());
        assert_eq!(
            filters.count.get(),
            1,
            "what is gone, or was refused, is not counted"
        );
        assert!(Arc::ptr_eq(&one.0, &filters.parse("age > 30").unwrap().0));
    }
}

//! Values in use, by what they were made of: equal ones are made once for as long as one is held.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use prometheus_client::metrics::gauge::Gauge;

/// Finds values that are in use. It keeps none alive.
#[derive(Debug)]
pub struct WeakTable<K, V>(Mutex<Entries<K, V>>);

#[derive(Debug)]
struct Entries<K, V> {
    by_key: HashMap<K, Weak<V>>,
    /// Entries at which the next insertion first removes those of dropped values.
    sweep_at: usize,
}

/// One in a gauge, for as long as it lives.
#[derive(Debug)]
pub struct UseCount(Gauge);

impl<K: Eq + Hash, V> WeakTable<K, V> {
    /// Fewer entries are not worth a sweep.
    const SWEEP_MIN: usize = 32;

    /// The value of this key, made where none is in use. It is made without the table's lock,
    /// because that may take its time.
    pub fn get_or_make<E>(
        &self,
        key: K,
        make: impl FnOnce() -> Result<Arc<V>, E>,
    ) -> Result<Arc<V>, E> {
        let known = self.lock().by_key.get(&key).and_then(Weak::upgrade);
        if let Some(value) = known {
            return Ok(value);
        }
        let value = make()?;
        self.lock().insert(key, &value);
        Ok(value)
    }

    /// Entries, those of dropped values included.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().by_key.len()
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Default for WeakTable<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Entries {
            by_key: HashMap::new(),
            sweep_at: 0,
        }))
    }
}

impl<K: Eq + Hash, V> Entries<K, V> {
    /// Inserts a value. The table is swept each time that it has doubled, so an insertion takes
    /// constant time on average and the entries are at most twice the values in use.
    fn insert(&mut self, key: K, value: &Arc<V>) {
        if self.by_key.len() >= self.sweep_at {
            self.by_key.retain(|_, value| value.strong_count() > 0);
            self.sweep_at = WeakTable::<K, V>::SWEEP_MIN.max(2 * self.by_key.len());
            self.by_key.shrink_to(self.sweep_at);
        }
        self.by_key.insert(key, Arc::downgrade(value));
    }
}

impl UseCount {
    /// Counts one more.
    pub fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for UseCount {
    fn drop(&mut self) {
        self.0.dec();
    }
}

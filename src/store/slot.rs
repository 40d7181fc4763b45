//! Holds the store once it is open and its layout is checked.

use std::sync::{Arc, OnceLock};

use super::{Store, StoreError};

/// Holds the store once it is open. The gateway listens before that, and answers that the store is
/// unavailable.
#[derive(Clone, Default)]
pub struct StoreSlot(Arc<OnceLock<Arc<dyn Store>>>);

impl StoreSlot {
    /// An empty slot.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the store in. A second store is ignored.
    pub fn fill(&self, store: Arc<dyn Store>) {
        let _ = self.0.set(store);
    }

    /// The store, or the error that it has not been opened yet.
    pub fn get(&self) -> Result<&Arc<dyn Store>, StoreError> {
        self.0.get().ok_or_else(|| {
            StoreError::Unavailable("it has not been reached since the gateway started".into())
        })
    }
}

//! The open file, shared by the readers and the writer. Only the writer replaces it.
//!
//! After an I/O error, redb refuses every call until the file is opened again. Each opening has a
//! generation number, so that a reader with a dead handle waits for a later generation.

use std::sync::{PoisonError, RwLock};

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};
use tokio::sync::watch;

use super::tables::FileFailure;

/// The number of an opening of the file, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation(u64);

/// The handle of the file.
pub(super) struct FileHandle {
    database: RwLock<Option<Database>>,
    /// The current generation; none while the file is closed.
    generation: watch::Sender<Option<Generation>>,
}

impl FileHandle {
    /// A handle of the first generation.
    pub(super) fn new(database: Database) -> Self {
        Self {
            database: RwLock::new(Some(database)),
            generation: watch::Sender::new(Some(Generation::FIRST)),
        }
    }

    /// The current generation; none while the file is closed.
    pub(super) fn generation(&self) -> Option<Generation> {
        *self.generation.borrow()
    }

    /// Waits until the file is open in another generation than `dead`.
    pub(super) async fn opened(&self, dead: Option<Generation>) -> Generation {
        let mut generation = self.generation.subscribe();
        let found = generation
            .wait_for(|now| now.is_some() && *now != dead)
            .await;
        found
            .ok()
            .and_then(|now| *now)
            .expect("the sender lives as long as self, and the condition asks for some")
    }

    /// Begins a read transaction, which outlives the lock.
    pub(super) fn begin_read(&self) -> Result<ReadTransaction, FileFailure> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        Ok(database.as_ref().ok_or(FileFailure::Closed)?.begin_read()?)
    }

    /// Begins a write transaction; only the writer calls this.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction, FileFailure> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        Ok(database
            .as_ref()
            .ok_or(FileFailure::Closed)?
            .begin_write()?)
    }

    /// Closes the file and releases its lock.
    pub(super) fn close(&self) {
        drop(self.take());
    }

    /// Takes the file from the readers. Its lock is released when it is dropped.
    pub(super) fn take(&self) -> Option<Database> {
        self.generation
            .send_if_modified(|generation| generation.take().is_some());
        self.database
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Puts a newly opened file into the handle.
    pub(super) fn reopen(&self, database: Database, next: Generation) {
        *self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(database);
        self.generation.send_replace(Some(next));
    }
}

impl Generation {
    /// The first generation.
    pub(super) const FIRST: Self = Self(1);

    /// The generation after this one.
    #[must_use]
    pub(super) const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

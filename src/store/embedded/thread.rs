//! The writer's thread, and the queue to it.

use std::io;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread::{self, JoinHandle};

use super::writer::{FileWriter, Task};
use crate::store::StoreError;

/// The writer's thread. Dropping it waits until the queued tasks are done.
pub(super) struct WriterThread {
    queue: Option<SyncSender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    /// Starts the thread. `queue` is the sending end of the writer's queue.
    pub(super) fn start(writer: FileWriter, queue: SyncSender<Task>) -> io::Result<Self> {
        let spawned = thread::Builder::new()
            .name("embedded-writer".into())
            .spawn(move || writer.run());
        Ok(Self {
            queue: Some(queue),
            thread: Some(spawned?),
        })
    }

    /// Queues a task, unless the queue is full.
    pub(super) fn send(&self, task: Task) -> Result<(), StoreError> {
        let queue = self
            .queue
            .as_ref()
            .expect("the queue is taken on drop only");
        queue.try_send(task).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => StoreError::Unavailable("its writer has ended".into()),
        })
    }

    /// Whether the thread has ended, as it does when it panics.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take() {
            // A panic of the writer is logged already; the file is closed.
            let _ = thread.join();
        }
    }
}

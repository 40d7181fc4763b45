//! A client's place in all partitions.

use std::sync::Arc;

use crate::domain::{At, Partition, Position};

/// One position of each partition, in partition order. Cloning is cheap: all sessions at one place share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Arc<[Position]>);

impl Cursor {
    /// A cursor with these positions, in partition order.
    pub fn new(positions: impl IntoIterator<Item = Position>) -> Self {
        Self(positions.into_iter().collect())
    }

    /// The position in one partition.
    pub fn position(&self, partition: Partition) -> Position {
        self.0[partition.index()]
    }

    /// All positions, in partition order.
    pub fn positions(&self) -> &[Position] {
        &self.0
    }

    /// The cursor after what stands at `at`.
    #[must_use]
    pub fn advanced(&self, at: At) -> Self {
        let changed = |(index, position)| if index == at.partition.index() { at.position } else { position };
        Self(self.0.iter().copied().enumerate().map(changed).collect())
    }
}

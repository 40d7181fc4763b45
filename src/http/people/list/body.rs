//! A list as it is sent: written piece by piece while the peer takes it.

use std::collections::VecDeque;

use axum::body::Bytes;
use futures_util::stream::{self, Stream};

use super::merge::{Merge, Row};
use crate::domain::PersonId;
use crate::http::media::ListFormat;
use crate::store::StoreError;

/// Bytes after which a piece of the list is sent.
const PIECE_BYTES: usize = 32 * 1024;

/// Writes people as an array or as lines.
pub(super) struct Writer {
    format: ListFormat,
    first: bool,
    out: String,
}

/// What is sent: those of the merge, in its order.
pub(super) struct List {
    merge: Merge,
    /// Whom it shows; none for all of the merge.
    only: Option<VecDeque<PersonId>>,
}

impl Writer {
    pub(super) fn new(format: ListFormat) -> Self {
        Self {
            format,
            first: true,
            out: String::new(),
        }
    }

    pub(super) fn person(&mut self, row: &Row) {
        if self.format == ListFormat::Array {
            self.out.push(if self.first { '[' } else { ',' });
        }
        self.first = false;
        self.out.push_str(&row.json);
        if self.format == ListFormat::Lines {
            self.out.push('\n');
        }
    }

    /// How many bytes wait to be sent.
    pub(super) const fn len(&self) -> usize {
        self.out.len()
    }

    /// All that was written, and the list's end.
    pub(super) fn end(mut self) -> Bytes {
        if self.format == ListFormat::Array {
            self.out.push_str(if self.first { "[]\n" } else { "]\n" });
        }
        self.out.into()
    }

    fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.out).into()
    }
}

impl List {
    /// All of the merge.
    pub(super) const fn all(merge: Merge) -> Self {
        Self { merge, only: None }
    }

    /// Those of the merge who have these ids, which are in order.
    pub(super) const fn only(merge: Merge, ids: VecDeque<PersonId>) -> Self {
        Self {
            merge,
            only: Some(ids),
        }
    }

    async fn next(&mut self) -> Result<Option<Row>, StoreError> {
        let Some(ids) = &mut self.only else {
            return self.merge.next().await;
        };
        while !ids.is_empty() {
            let Some(row) = self.merge.next().await? else {
                return Ok(None);
            };
            while ids.front().is_some_and(|id| *id < row.id) {
                ids.pop_front();
            }
            if ids.front() == Some(&row.id) {
                ids.pop_front();
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// What was written already, then the list, in pieces. A store that fails midway ends the
    /// stream with an error, which cuts the connection: half a list must not parse.
    pub(super) fn pieces(
        self,
        written: Writer,
    ) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
        stream::try_unfold(Some((self, written)), async |state| {
            let Some((mut list, mut writer)) = state else {
                return Ok(None);
            };
            while writer.len() < PIECE_BYTES {
                match list.next().await {
                    Ok(Some(row)) => writer.person(&row),
                    Ok(None) => return Ok(Some((writer.end(), None))),
                    Err(error) => {
                        tracing::warn!(%error, "a list was cut: the store failed midway");
                        return Err(error);
                    }
                }
            }
            Ok(Some((writer.take(), Some((list, writer)))))
        })
    }
}

//! The body of a list, written piece by piece while the peer reads it.

use std::collections::VecDeque;

use axum::body::Bytes;
use futures_util::stream::{self, Stream};

use super::merge::{ListItem, Merge};
use crate::domain::PersonId;
use crate::http::request::media::ListFormat;
use crate::store::StoreError;
use crate::telemetry::ErrorChain;

/// Bytes after which a piece of the list is sent.
const PIECE_BYTES: usize = 32 * 1024;

/// Writes people as an array or as lines.
pub(super) struct ListWriter {
    format: ListFormat,
    first: bool,
    out: String,
}

/// The people of a merge, in its order.
pub(super) struct ListStream {
    merge: Merge,
    /// The ids that it is limited to; none for the whole merge.
    only: Option<VecDeque<PersonId>>,
}

impl ListWriter {
    pub(super) fn new(format: ListFormat) -> Self {
        Self {
            format,
            first: true,
            out: String::new(),
        }
    }

    pub(super) fn person(&mut self, item: &ListItem) {
        if self.format == ListFormat::Array {
            self.out.push(if self.first { '[' } else { ',' });
        }
        self.first = false;
        self.out.push_str(&item.json);
        if self.format == ListFormat::Lines {
            self.out.push('\n');
        }
    }

    /// The bytes that were written and not taken.
    pub(super) const fn len(&self) -> usize {
        self.out.len()
    }

    /// The bytes that were not taken, and the list's end.
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

impl ListStream {
    /// The whole merge.
    pub(super) const fn all(merge: Merge) -> Self {
        Self { merge, only: None }
    }

    /// The people of the merge that have these ids. The ids are in order.
    pub(super) const fn only(merge: Merge, ids: VecDeque<PersonId>) -> Self {
        Self {
            merge,
            only: Some(ids),
        }
    }

    async fn next(&mut self) -> Result<Option<ListItem>, StoreError> {
        let Some(ids) = &mut self.only else {
            return self.merge.next().await;
        };
        while !ids.is_empty() {
            let Some(item) = self.merge.next().await? else {
                return Ok(None);
            };
            while ids.front().is_some_and(|id| *id < item.id) {
                ids.pop_front();
            }
            if ids.front() == Some(&item.id) {
                ids.pop_front();
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// The bytes in `written`, then the list, in pieces. Where the store fails midway, the stream
    /// ends with an error, which cuts the connection: half a list must not parse.
    pub(super) fn pieces(
        self,
        written: ListWriter,
    ) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
        stream::try_unfold(Some((self, written)), async |state| {
            let Some((mut list, mut writer)) = state else {
                return Ok(None);
            };
            while writer.len() < PIECE_BYTES {
                match list.next().await {
                    Ok(Some(item)) => writer.person(&item),
                    Ok(None) => return Ok(Some((writer.end(), None))),
                    Err(error) => {
                        let shown = ErrorChain(&error);
                        tracing::warn!(error = %shown, "a list was cut: the store failed midway");
                        return Err(error);
                    }
                }
            }
            Ok(Some((writer.take(), Some((list, writer)))))
        })
    }
}

//! The frames that wait for a socket that did not take everything at once: whole and in order, the
//! first perhaps half-written.

mod requests;

pub use requests::ClientRequest;
pub use requests::TooManyRequests;

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;
use people_core::sabotage::{Sabotage, planted};

use crate::history::Checkpoint;
use crate::session::notification::{Notification, WriteBatch};
use crate::session::options::Options;
use requests::RequestQueue;

/// Frames that one write hands to the kernel.
const SLICES_MAX: usize = 64;
/// The waiting frames of one session.
#[derive(Debug, Default)]
pub(super) struct SendQueue {
    queue: VecDeque<QueuedFrame>,
    /// Bytes of the first frame that the socket has taken.
    written: usize,
    /// Changes among the waiting frames, and their bytes.
    changes: usize,
    bytes: usize,
    /// The checkpoint after the last change that the socket began to take: from there the session
    /// catches up if all else is dropped. None while no change was ever here.
    reached: Option<Checkpoint>,
    /// The client's requests meanwhile; answered when nothing else waits.
    requests: RequestQueue,
}

#[derive(Debug)]
struct QueuedFrame {
    frame: Bytes,
    kind: FrameKind,
}

#[derive(Debug, PartialEq, Eq)]
enum FrameKind {
    Change(Checkpoint),
    /// A frame of a catch-up; it is never dropped.
    Step,
    /// A message to this session alone.
    Message,
    /// The position behind all that waits before.
    Position,
    /// Continuity is not proved.
    Stale,
    /// Continuity is proved again, and all that came before was sent.
    Fresh,
    Ping,
    Pong,
    Close,
}

impl SendQueue {
    /// Adds changes.
    pub(super) fn push(&mut self, batch: &WriteBatch) {
        self.reached.get_or_insert_with(|| batch.before().clone());
        if planted(Sabotage::OverflowForgotten) {
            self.reached = Some(batch.after().clone());
        }
        for Notification { frame, after, .. } in batch.notifications() {
            self.changes += 1;
            self.bytes += frame.len();
            self.queue.push_back(QueuedFrame {
                frame: frame.clone(),
                kind: FrameKind::Change(after.clone()),
            });
        }
    }

    /// Adds a pong ahead of all that is not yet begun. Only the newest waits: RFC 6455, section
    /// 5.5.3, allows to answer the last of several pings alone.
    pub(super) fn push_pong(&mut self, frame: Bytes) {
        self.push_control(frame, FrameKind::Pong);
    }

    /// Adds a ping ahead of all that is not yet begun, unless one waits already.
    pub(super) fn push_ping(&mut self, frame: Bytes) {
        self.push_control(frame, FrameKind::Ping);
    }

    fn push_control(&mut self, frame: Bytes, kind: FrameKind) {
        let begun = usize::from(self.written > 0);
        match self
            .queue
            .iter_mut()
            .skip(begun)
            .find(|waiting| waiting.kind == kind)
        {
            Some(waiting) => waiting.frame = frame,
            None => self
                .queue
                .insert(begun.min(self.queue.len()), QueuedFrame { frame, kind }),
        }
    }

    /// Adds the position behind all that waits, in place of an older one.
    pub(super) fn push_position(&mut self, frame: Bytes) {
        self.push_newest(frame, FrameKind::Position);
    }

    /// Adds that continuity is not proved behind all that waits, in place of an older `stale`.
    pub(super) fn push_stale(&mut self, frame: Bytes) {
        self.push_newest(frame, FrameKind::Stale);
    }

    /// Adds that continuity is proved behind all that waits, in place of an older `fresh`.
    pub(super) fn push_fresh(&mut self, frame: Bytes) {
        self.push_newest(frame, FrameKind::Fresh);
    }

    fn push_newest(&mut self, frame: Bytes, kind: FrameKind) {
        self.keep(|waiting| *waiting != kind);
        self.queue.push_back(QueuedFrame { frame, kind });
    }

    /// Adds frames of a catch-up.
    pub(super) fn push_steps(&mut self, frames: impl IntoIterator<Item = Bytes>) {
        self.queue
            .extend(frames.into_iter().map(|frame| QueuedFrame {
                frame,
                kind: FrameKind::Step,
            }));
    }

    /// Adds a message behind all that waits.
    pub(super) fn push_message(&mut self, frame: Bytes) {
        self.queue.push_back(QueuedFrame {
            frame,
            kind: FrameKind::Message,
        });
    }

    /// Keeps a request until nothing else waits.
    pub(super) fn push_request(&mut self, request: ClientRequest) -> Result<(), TooManyRequests> {
        self.requests.push(request)
    }

    /// Takes the oldest request.
    pub(super) fn next_request(&mut self) -> Option<ClientRequest> {
        self.requests.pop()
    }

    /// Adds the last frame.
    pub(super) fn push_close(&mut self, frame: Bytes) {
        self.queue.push_back(QueuedFrame {
            frame,
            kind: FrameKind::Close,
        });
    }

    /// Drops all but a frame that is half-written and a pong: a ping that came before a close frame
    /// is answered before the close frame is (RFC 6455, section 5.5.2).
    pub(super) fn drop_waiting(&mut self) {
        self.keep(|kind| *kind == FrameKind::Pong);
        self.requests.clear();
    }

    /// Drops the changes, but for one that is half-written, and the position behind them. Pongs
    /// stay: a ping is answered (RFC 6455, section 5.5.2) also when changes are dropped. `fresh`
    /// would be wrong without the changes: returns whether it was dropped too.
    pub(super) fn drop_changes(&mut self) -> bool {
        let waiting = self.queue.len();
        self.keep(|kind| *kind != FrameKind::Fresh);
        let drops_fresh = self.queue.len() < waiting;
        self.keep(|kind| !matches!(kind, FrameKind::Change(_) | FrameKind::Position));
        drops_fresh
    }

    fn keep(&mut self, keeps: impl Fn(&FrameKind) -> bool) {
        let mut begun = self.written > 0;
        self.queue
            .retain(|waiting| std::mem::take(&mut begun) || keeps(&waiting.kind));
        self.count();
    }

    fn count(&mut self) {
        let changes = self
            .queue
            .iter()
            .filter(|waiting| matches!(waiting.kind, FrameKind::Change(_)));
        (self.changes, self.bytes) = changes.fold((0, 0), |(count, bytes), waiting| {
            (count + 1, bytes + waiting.frame.len())
        });
    }

    /// Bytes of all frames that the socket has not taken.
    pub(super) fn left(&self) -> usize {
        self.queue
            .iter()
            .map(|waiting| waiting.frame.len())
            .sum::<usize>()
            - self.written
    }

    /// The session's checkpoint if the waiting changes are dropped; none if no change waits.
    pub(super) fn reached(&self) -> Option<&Checkpoint> {
        self.reached.as_ref().filter(|_| self.changes > 0)
    }

    /// Whether more waits than a session may have waiting.
    pub(super) fn overflows(&self, options: &Options) -> bool {
        self.changes > options.queue_changes.get() || self.bytes > options.queue_bytes.get()
    }

    /// Whether nothing waits to be sent or to be carried out.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.requests.is_empty()
    }

    /// Whether nothing waits to be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// What one write should hand over.
    pub(super) fn slices(&self) -> Vec<IoSlice<'_>> {
        let written = std::iter::once(self.written).chain(std::iter::repeat(0));
        let waiting = self.queue.iter().take(SLICES_MAX).zip(written);
        waiting
            .map(|(waiting, written)| IoSlice::new(&waiting.frame[written..]))
            .collect()
    }

    /// Notes that the socket took so many bytes more.
    pub(super) fn advance(&mut self, mut taken: usize) {
        while taken > 0 {
            let Some(first) = self.queue.front() else {
                return;
            };
            if let (FrameKind::Change(after), 0) = (&first.kind, self.written) {
                self.reached = Some(after.clone());
            }
            let rest = first.frame.len() - self.written;
            if taken < rest {
                self.written += taken;
                return;
            }
            taken -= rest;
            self.written = 0;
            if let Some(QueuedFrame {
                frame,
                kind: FrameKind::Change(_),
            }) = self.queue.pop_front()
            {
                self.changes -= 1;
                self.bytes -= frame.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cursor, Epoch, Position};

    fn checkpoint(offset: u64) -> Checkpoint {
        Checkpoint {
            offset,
            cursor: Cursor::new([Position::start_of(Epoch::new(1))]),
        }
    }

    fn rest_of(frames: &[&'static str], sent: usize) -> SendQueue {
        let notification = |(offset, frame): (u64, &&'static str)| {
            Notification::framed(
                Bytes::from_static(frame.as_bytes()),
                checkpoint(offset - 1),
                checkpoint(offset),
                false,
            )
        };
        let mut queue = SendQueue::default();
        queue.push(
            &WriteBatch::new(&(1..).zip(frames).map(notification).collect::<Vec<_>>()).unwrap(),
        );
        queue.advance(sent);
        queue
    }

    fn waiting(queue: &SendQueue) -> String {
        queue
            .slices()
            .iter()
            .map(|slice| std::str::from_utf8(slice).unwrap())
            .collect::<Vec<_>>()
            .join("|")
    }

    #[test]
    fn the_queue_keeps_exactly_the_bytes_that_the_socket_did_not_take() {
        for (sent, rest, reached) in [
            (0, "aaa|bbb|ccc", 0),
            (1, "aa|bbb|ccc", 1),
            (3, "bbb|ccc", 1),
            (7, "cc", 3),
        ] {
            let mut queue = rest_of(&["aaa", "bbb", "ccc"], sent);
            assert_eq!(waiting(&queue), rest);
            assert_eq!(
                queue.reached(),
                Some(&checkpoint(reached)),
                "after {sent} bytes"
            );
            queue.drop_waiting();
        }
    }

    #[test]
    fn a_control_frame_waits_for_the_end_of_a_half_written_frame() {
        let mut queue = rest_of(&["aaa", "bbb"], 1);
        queue.push_pong(Bytes::from_static(b"pong1"));
        queue.push_pong(Bytes::from_static(b"pong2"));
        queue.push_ping(Bytes::from_static(b"ping"));
        queue.push_close(Bytes::from_static(b"close"));
        assert_eq!(waiting(&queue), "aa|ping|pong2|bbb|close");
        assert_eq!(queue.left(), "aapingpong2bbbclose".len());
        queue.drop_waiting();
        assert_eq!(waiting(&queue), "aa|pong2");
    }

    #[test]
    fn dropping_changes_keeps_a_half_written_frame_and_control_frames() {
        for (sent, rest, reached) in [
            (0, "pong", None),
            (1, "aa|pong", Some(1)),
            (3, "pong", None),
            (4, "bb|pong", Some(2)),
        ] {
            let mut queue = rest_of(&["aaa", "bbb", "ccc"], sent);
            queue.push_pong(Bytes::from_static(b"pong"));
            queue.drop_changes();
            assert_eq!(waiting(&queue), rest, "after {sent} bytes");
            assert_eq!(queue.reached(), reached.map(checkpoint).as_ref());
        }
    }

    #[test]
    fn stale_and_fresh_wait_behind_the_changes_and_fresh_is_dropped_with_them() {
        let mut queue = rest_of(&["aaa", "bbb"], 1);
        for _ in 0..2 {
            queue.push_stale(Bytes::from_static(b"stale"));
            queue.push_fresh(Bytes::from_static(b"fresh"));
        }
        assert_eq!(waiting(&queue), "aa|bbb|stale|fresh");
        assert!(
            queue.drop_changes(),
            "fresh would be wrong without the changes"
        );
        assert_eq!(waiting(&queue), "aa|stale");
        assert!(!queue.drop_changes());
    }

    #[test]
    fn only_the_newest_position_waits_and_is_dropped_with_the_changes() {
        let mut queue = rest_of(&["aaa", "bbb"], 1);
        queue.push_position(Bytes::from_static(b"at 2"));
        queue.push_position(Bytes::from_static(b"at 3"));
        assert_eq!(waiting(&queue), "aa|bbb|at 3");
        queue.drop_changes();
        assert_eq!(
            waiting(&queue),
            "aa",
            "the position would be ahead of the changes"
        );
    }

    #[test]
    fn the_queue_is_bounded_in_changes_and_in_bytes() {
        let options = Options {
            queue_changes: 2.try_into().unwrap(),
            queue_bytes: 7.try_into().unwrap(),
            ..Options::default()
        };
        assert!(!rest_of(&["aaa", "bbb"], 0).overflows(&options));
        assert!(rest_of(&["a", "b", "c"], 0).overflows(&options));
        assert!(rest_of(&["aaaa", "bbbb"], 0).overflows(&options));
    }
}

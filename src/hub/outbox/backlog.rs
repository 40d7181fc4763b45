//! What waits for a socket that did not take everything at once: whole frames in order, the first perhaps half-written.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

use super::standing::Wish;
use crate::hub::{Burst, Options, Place, Shown};

/// Frames that one write hands to the kernel.
const MOST_SLICES: usize = 64;
/// Wishes that may wait for a peer that goes on asking without taking the answers, and their bytes; one may wait whatever
/// its size. It is more than a client may say at once by default, but for filters of more than a hundred bytes.
const MOST_WISHES: usize = 1024;
const MOST_WISHED_BYTES: usize = 64 * 1024;

/// The waiting frames of one session.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    queue: VecDeque<Waiting>,
    /// Bytes of the first frame that the socket has taken.
    written: usize,
    /// Changes among the waiting frames, and their bytes.
    changes: usize,
    bytes: usize,
    /// The place after the last change that the socket began to take: where the session stands if all else is dropped.
    /// None while no change was ever here.
    reached: Option<Place>,
    /// What the client asked for meanwhile; carried out when nothing else waits.
    wishes: VecDeque<Wish>,
    /// Their bytes.
    wished: usize,
}

/// More was asked than the peer takes answers.
#[derive(Debug)]
pub(in crate::hub) struct TooMuchAsked;

#[derive(Debug)]
struct Waiting {
    frame: Bytes,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Change(Place),
    /// A step on the course of a session that is behind; such a session drops nothing.
    Step,
    /// Said to this session alone.
    Message,
    /// Where it stands once it was sent all that waits before.
    Position,
    /// That continuity is not proved.
    Stale,
    /// That it is again, and all that came before was sent.
    Fresh,
    Ping,
    Pong,
    Close,
}

impl Backlog {
    /// Adds changes.
    pub(super) fn push(&mut self, burst: &Burst) {
        self.reached.get_or_insert_with(|| burst.before().clone());
        for Shown { frame, after, .. } in burst.shown() {
            self.changes += 1;
            self.bytes += frame.len();
            self.queue.push_back(Waiting { frame: frame.clone(), kind: Kind::Change(after.clone()) });
        }
    }

    /// Adds a pong ahead of all that is not yet begun. Only the newest waits: RFC 6455, section 5.5.3, allows to answer
    /// the last of several pings alone.
    pub(super) fn push_pong(&mut self, frame: Bytes) {
        self.push_control(frame, Kind::Pong);
    }

    /// Adds a ping ahead of all that is not yet begun, unless one waits already.
    pub(super) fn push_ping(&mut self, frame: Bytes) {
        self.push_control(frame, Kind::Ping);
    }

    fn push_control(&mut self, frame: Bytes, kind: Kind) {
        let begun = usize::from(self.written > 0);
        match self.queue.iter_mut().skip(begun).find(|waiting| waiting.kind == kind) {
            Some(waiting) => waiting.frame = frame,
            None => self.queue.insert(begun.min(self.queue.len()), Waiting { frame, kind }),
        }
    }

    /// Adds where the session stands behind all that waits, in place of an older word on it.
    pub(super) fn push_position(&mut self, frame: Bytes) {
        self.push_newest(frame, Kind::Position);
    }

    /// Adds that continuity is not proved behind all that waits, in place of the same word.
    pub(super) fn push_stale(&mut self, frame: Bytes) {
        self.push_newest(frame, Kind::Stale);
    }

    /// Adds that continuity is proved behind all that waits, in place of the same word.
    pub(super) fn push_fresh(&mut self, frame: Bytes) {
        self.push_newest(frame, Kind::Fresh);
    }

    fn push_newest(&mut self, frame: Bytes, kind: Kind) {
        self.keep(|waiting| *waiting != kind);
        self.queue.push_back(Waiting { frame, kind });
    }

    /// Adds what a session that is behind is sent.
    pub(super) fn push_steps(&mut self, frames: impl IntoIterator<Item = Bytes>) {
        self.queue.extend(frames.into_iter().map(|frame| Waiting { frame, kind: Kind::Step }));
    }

    /// Adds a message behind all that waits.
    pub(super) fn push_message(&mut self, frame: Bytes) {
        self.queue.push_back(Waiting { frame, kind: Kind::Message });
    }

    /// Keeps a wish until nothing else waits.
    pub(super) fn wish(&mut self, wish: Wish) -> Result<(), TooMuchAsked> {
        self.wished += wish.bytes();
        let is_first = self.wishes.is_empty();
        if !is_first && (self.wishes.len() == MOST_WISHES || self.wished > MOST_WISHED_BYTES) {
            return Err(TooMuchAsked);
        }
        self.wishes.push_back(wish);
        Ok(())
    }

    /// The oldest wish.
    pub(super) fn next_wish(&mut self) -> Option<Wish> {
        let wish = self.wishes.pop_front()?;
        self.wished -= wish.bytes();
        Some(wish)
    }

    /// Adds the last frame.
    pub(super) fn push_close(&mut self, frame: Bytes) {
        self.queue.push_back(Waiting { frame, kind: Kind::Close });
    }

    /// Drops all but a frame that is half-written and a pong: a ping that came before a close frame is answered before
    /// the close frame is (RFC 6455, section 5.5.2).
    pub(super) fn drop_waiting(&mut self) {
        self.keep(|kind| *kind == Kind::Pong);
        self.wishes.clear();
        self.wished = 0;
    }

    /// Drops the changes, but for one that is half-written, and the position behind them. Pongs stay: a ping is answered
    /// (RFC 6455, section 5.5.2) whatever becomes of the changes. That continuity is proved would be wrong without them: returns whether that was
    /// dropped too.
    pub(super) fn drop_changes(&mut self) -> bool {
        let waiting = self.queue.len();
        self.keep(|kind| *kind != Kind::Fresh);
        let drops_fresh = self.queue.len() < waiting;
        self.keep(|kind| !matches!(kind, Kind::Change(_) | Kind::Position));
        drops_fresh
    }

    fn keep(&mut self, keeps: impl Fn(&Kind) -> bool) {
        let mut begun = self.written > 0;
        self.queue.retain(|waiting| std::mem::take(&mut begun) || keeps(&waiting.kind));
        self.count();
    }

    fn count(&mut self) {
        let changes = self.queue.iter().filter(|waiting| matches!(waiting.kind, Kind::Change(_)));
        (self.changes, self.bytes) =
            changes.fold((0, 0), |(count, bytes), waiting| (count + 1, bytes + waiting.frame.len()));
    }

    /// Bytes of all frames that the socket has not taken.
    pub(super) fn left(&self) -> usize {
        self.queue.iter().map(|waiting| waiting.frame.len()).sum::<usize>() - self.written
    }

    /// Where the session stands when what waits is dropped; none when no change waits.
    pub(super) fn reached(&self) -> Option<&Place> {
        self.reached.as_ref().filter(|_| self.changes > 0)
    }

    /// Whether more waits than a session may have waiting.
    pub(super) fn overflows(&self, options: &Options) -> bool {
        self.changes > options.queue_changes.get() || self.bytes > options.queue_bytes.get()
    }

    /// Whether nothing waits to be sent or to be carried out.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.wishes.is_empty()
    }

    /// Whether nothing waits to be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// What one write should hand over.
    pub(super) fn slices(&self) -> Vec<IoSlice<'_>> {
        let written = std::iter::once(self.written).chain(std::iter::repeat(0));
        let waiting = self.queue.iter().take(MOST_SLICES).zip(written);
        waiting.map(|(waiting, written)| IoSlice::new(&waiting.frame[written..])).collect()
    }

    /// Notes that the socket took so many bytes more.
    pub(super) fn advance(&mut self, mut taken: usize) {
        while taken > 0 {
            let Some(first) = self.queue.front() else { return };
            if let (Kind::Change(place), 0) = (&first.kind, self.written) {
                self.reached = Some(place.clone());
            }
            let rest = first.frame.len() - self.written;
            if taken < rest {
                self.written += taken;
                return;
            }
            taken -= rest;
            self.written = 0;
            if let Some(Waiting { frame, kind: Kind::Change(_) }) = self.queue.pop_front() {
                self.changes -= 1;
                self.bytes -= frame.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Epoch, Position};
    use crate::protocol::cursor::Cursor;

    fn place(offset: u64) -> Place {
        Place { offset, cursor: Cursor::new([Position::start_of(Epoch::new(1))]) }
    }

    fn rest_of(frames: &[&'static str], sent: usize) -> Backlog {
        let shown = |(offset, frame): (u64, &&'static str)| {
            Shown::framed(Bytes::from_static(frame.as_bytes()), place(offset - 1), place(offset), false)
        };
        let mut backlog = Backlog::default();
        backlog.push(&Burst::new(&(1..).zip(frames).map(shown).collect::<Vec<_>>()).unwrap());
        backlog.advance(sent);
        backlog
    }

    fn waiting(backlog: &Backlog) -> String {
        backlog.slices().iter().map(|slice| std::str::from_utf8(slice).unwrap()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn what_the_socket_did_not_take_waits_from_the_very_byte() {
        for (sent, rest, reached) in [(0, "aaa|bbb|ccc", 0), (1, "aa|bbb|ccc", 1), (3, "bbb|ccc", 1), (7, "cc", 3)] {
            let mut backlog = rest_of(&["aaa", "bbb", "ccc"], sent);
            assert_eq!(waiting(&backlog), rest);
            assert_eq!(backlog.reached(), Some(&place(reached)), "after {sent} bytes");
            backlog.drop_waiting();
        }
    }

    #[test]
    fn control_frames_never_cut_into_a_half_written_frame() {
        let mut backlog = rest_of(&["aaa", "bbb"], 1);
        backlog.push_pong(Bytes::from_static(b"pong1"));
        backlog.push_pong(Bytes::from_static(b"pong2"));
        backlog.push_ping(Bytes::from_static(b"ping"));
        backlog.push_close(Bytes::from_static(b"close"));
        assert_eq!(waiting(&backlog), "aa|ping|pong2|bbb|close");
        assert_eq!(backlog.left(), "aapingpong2bbbclose".len());
        backlog.drop_waiting();
        assert_eq!(waiting(&backlog), "aa|pong2");
    }

    #[test]
    fn dropped_changes_leave_what_is_half_written_and_the_control_frames() {
        for (sent, rest, reached) in
            [(0, "pong", None), (1, "aa|pong", Some(1)), (3, "pong", None), (4, "bb|pong", Some(2))]
        {
            let mut backlog = rest_of(&["aaa", "bbb", "ccc"], sent);
            backlog.push_pong(Bytes::from_static(b"pong"));
            backlog.drop_changes();
            assert_eq!(waiting(&backlog), rest, "after {sent} bytes");
            assert_eq!(backlog.reached(), reached.map(place).as_ref());
        }
    }

    #[test]
    fn words_on_continuity_wait_behind_the_changes_and_fresh_goes_with_them() {
        let mut backlog = rest_of(&["aaa", "bbb"], 1);
        for _ in 0..2 {
            backlog.push_stale(Bytes::from_static(b"stale"));
            backlog.push_fresh(Bytes::from_static(b"fresh"));
        }
        assert_eq!(waiting(&backlog), "aa|bbb|stale|fresh");
        assert!(backlog.drop_changes(), "without the changes it would be wrong");
        assert_eq!(waiting(&backlog), "aa|stale");
        assert!(!backlog.drop_changes());
    }

    #[test]
    fn a_position_waits_behind_the_changes_once_and_goes_with_them() {
        let mut backlog = rest_of(&["aaa", "bbb"], 1);
        backlog.push_position(Bytes::from_static(b"at 2"));
        backlog.push_position(Bytes::from_static(b"at 3"));
        assert_eq!(waiting(&backlog), "aa|bbb|at 3");
        backlog.drop_changes();
        assert_eq!(waiting(&backlog), "aa", "it would be ahead of what is sent");
    }

    #[test]
    fn the_queue_is_bounded_in_changes_and_in_bytes() {
        let options =
            Options { queue_changes: 2.try_into().unwrap(), queue_bytes: 7.try_into().unwrap(), ..Options::default() };
        assert!(!rest_of(&["aaa", "bbb"], 0).overflows(&options));
        assert!(rest_of(&["a", "b", "c"], 0).overflows(&options));
        assert!(rest_of(&["aaaa", "bbbb"], 0).overflows(&options));
    }
}

//! One client's view: its messages folded by the rules of the protocol, and every contradiction
//! that they contain.

use std::collections::BTreeMap;

use people_client::Cursor;
use people_gateway::domain::{LogPosition, Partition, PersonId, Position};
use people_gateway::filter::Kinds;

use super::message::{PersonChange, Record, ServerMessage, id_of};
use super::silence::Silence;
use super::violation::{Kind, Violation};

/// One client's view, and the segments of its stream.
#[derive(Clone, Debug)]
pub struct Fold {
    kinds: Kinds,
    pub people: BTreeMap<PersonId, Record>,
    /// Text format: the last sentence of each person in the view, and all sentences in order.
    pub sentences: BTreeMap<PersonId, String>,
    pub received_sentences: Vec<(PersonId, String)>,
    pub cursor: Option<Cursor>,
    /// A reset or a new start begins a segment. The last one is the current view.
    pub segments: Vec<Segment>,
    pub contradictions: Vec<Violation>,
    /// How often the gateway said `stale`, and whether `fresh` has not come since.
    pub stales: usize,
    pub is_stale: bool,
    /// How long no partition was heard of.
    pub silence: Silence,
    expects_live: bool,
}

/// The messages between two starts of a view.
#[derive(Clone, Debug, Default)]
pub struct Segment {
    /// The reason of the reset that began it.
    pub reset: Option<String>,
    /// Whether a snapshot began the segment: only then the view is complete.
    pub has_pages: bool,
    /// The cursor of the first `live`.
    pub first_live: Option<Cursor>,
    /// All log positions that messages named from that `live` on.
    pub positions: Vec<LogPosition>,
    /// The cursor of the last `live`. A connection that resumed was sent net changes before it.
    pub last_live: Option<Cursor>,
    /// The changes that came one by one from the last `live` on, with their verdicts.
    pub changes: Vec<(LogPosition, String)>,
    /// Whether a batch came after the last `live`.
    pub has_batches: bool,
    last: BTreeMap<Partition, Position>,
}

impl Fold {
    pub fn new(kinds: Kinds) -> Self {
        Self {
            kinds,
            people: BTreeMap::new(),
            sentences: BTreeMap::new(),
            received_sentences: Vec::new(),
            cursor: None,
            segments: vec![Segment::default()],
            contradictions: Vec::new(),
            stales: 0,
            is_stale: false,
            silence: Silence::default(),
            expects_live: true,
        }
    }

    /// Notes a new connection. Without a cursor it starts a new view.
    pub fn connected(&mut self, continues: bool) {
        (self.expects_live, self.is_stale) = (true, false);
        if !continues {
            self.begin_segment(None);
        }
    }

    /// Folds a message.
    pub fn apply(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Page(people) => self.page(people),
            ServerMessage::Live(cursor) => {
                if !std::mem::take(&mut self.expects_live) {
                    self.contradict(Kind::Doubled, "live came twice");
                }
                let segment = self.segment_mut();
                segment.first_live.get_or_insert_with(|| cursor.clone());
                segment.last_live = Some(cursor.clone());
                (segment.changes, segment.has_batches) = (Vec::new(), false);
                self.set_cursor(cursor);
            }
            ServerMessage::Change(at, change) => {
                self.note_change(at);
                let segment = self.segment_mut();
                if segment.last_live.is_some() {
                    segment.changes.push((at, change.verdict.clone()));
                }
                if let Some(cursor) = &mut self.cursor {
                    cursor.advance(at);
                }
                self.fold(change);
            }
            ServerMessage::Batch(cursor, changes) => {
                self.segment_mut().has_batches = true;
                for change in changes {
                    self.fold(change);
                }
                if self.cursor.is_some() {
                    self.set_cursor(cursor);
                } else {
                    cursor.log_positions().for_each(|at| self.note_cursor(at));
                }
            }
            ServerMessage::Position(cursor) => self.set_cursor(cursor),
            ServerMessage::Reset(reason) => self.begin_segment(Some(reason)),
            ServerMessage::Saved(id, sentence) => {
                self.received_sentences.push((id, sentence.clone()));
                self.sentences.insert(id, sentence);
            }
            ServerMessage::Removed(id) => {
                self.received_sentences.push((id, "gone".to_owned()));
                self.sentences.remove(&id);
            }
            ServerMessage::Stale => (self.stales, self.is_stale) = (self.stales + 1, true),
            ServerMessage::Fresh => self.is_stale = false,
            ServerMessage::Other => {}
        }
    }

    /// Replaces the client's cursor.
    pub fn set_cursor(&mut self, cursor: Cursor) {
        cursor.log_positions().for_each(|at| self.note_cursor(at));
        self.cursor = Some(cursor);
    }

    /// Whether `live` came since the last connection or reset.
    pub fn has_been_live(&self) -> bool {
        !self.expects_live
    }

    /// The segment since the last start.
    pub fn current_segment(&self) -> &Segment {
        self.segments
            .last()
            .expect("a fold starts with one segment")
    }

    pub fn resets(&self) -> usize {
        self.segments
            .iter()
            .filter(|segment| segment.reset.is_some())
            .count()
    }

    fn segment_mut(&mut self) -> &mut Segment {
        self.segments
            .last_mut()
            .expect("a fold starts with one segment")
    }

    fn begin_segment(&mut self, reset: Option<String>) {
        self.people.clear();
        self.sentences.clear();
        self.received_sentences.clear();
        self.cursor = None;
        self.expects_live = true;
        self.segments.push(Segment {
            reset,
            ..Segment::default()
        });
    }

    fn page(&mut self, people: Vec<Record>) {
        if self.cursor.is_some() {
            self.contradict(Kind::Phantom, "a page came outside a snapshot");
        }
        self.segment_mut().has_pages = true;
        for person in people {
            let id = id_of(&person);
            if self.people.insert(id, person).is_some() {
                self.contradict(Kind::Doubled, format!("a page repeats {id}"));
            }
        }
    }

    fn fold(&mut self, change: PersonChange) {
        let is_exact = self.kinds == Kinds::All && self.current_segment().has_pages;
        let is_entry = matches!(change.verdict.as_str(), "create" | "enter");
        let was_in = match change.person {
            Some(person) => self.people.insert(change.id, person).is_some(),
            None => self.people.remove(&change.id).is_some(),
        };
        if is_exact && is_entry == was_in {
            let (kind, before) = if was_in {
                (Kind::Doubled, "in the view")
            } else {
                (Kind::Phantom, "not in the view")
            };
            let (verdict, id) = (change.verdict, change.id);
            self.contradict(kind, format!("{verdict} of {id}, a person {before}"));
        }
    }

    /// Notes a change. Its position must be after all earlier ones of its partition.
    fn note_change(&mut self, at: LogPosition) {
        let last = self.current_segment().last.get(&at.partition).copied();
        if let Some(last) = last
            && (last.epoch != at.position.epoch || last.seq >= at.position.seq)
        {
            let kind = if last == at.position {
                Kind::Doubled
            } else {
                Kind::Reordered
            };
            self.contradict(kind, format!("a change at {at} came after {last}"));
        }
        self.note(at);
    }

    /// Notes a position of a cursor. It must not be before an earlier one of its partition.
    fn note_cursor(&mut self, at: LogPosition) {
        let last = self.current_segment().last.get(&at.partition).copied();
        if let Some(last) = last
            && (last.epoch != at.position.epoch || last.seq > at.position.seq)
        {
            self.contradict(Kind::Reordered, format!("a cursor names {at} after {last}"));
        }
        self.note(at);
    }

    fn note(&mut self, at: LogPosition) {
        let segment = self.segment_mut();
        let before = segment.last.insert(at.partition, at.position);
        if segment.first_live.is_some() {
            segment.positions.push(at);
        }
        if before != Some(at.position) {
            self.silence.note(at.partition);
        }
    }

    fn contradict(&mut self, kind: Kind, what: impl Into<String>) {
        self.contradictions.push(Violation::new(kind, what));
    }
}

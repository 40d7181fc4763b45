//! One client's view: its messages folded by the rules of the protocol, and every contradiction
//! that they contain.

use std::collections::BTreeMap;

use people_client::Cursor;
use people_gateway::domain::{LogPosition, Partition, PersonId, Position};
use people_gateway::filter::Kinds;

use super::message::{PersonChange, Record, ServerMessage, id_of};

/// One client's view, and the segments of its stream.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    kinds: Kinds,
    pub(super) people: BTreeMap<PersonId, Record>,
    /// Text format: the last sentence of each person in the view, and all sentences in order.
    pub(super) sentences: BTreeMap<PersonId, String>,
    pub(super) received_sentences: Vec<(PersonId, String)>,
    pub(super) cursor: Option<Cursor>,
    /// A reset or a new start begins a segment. The last one is the current view.
    pub(super) segments: Vec<Segment>,
    pub(super) contradictions: Vec<String>,
    expects_live: bool,
}

/// The messages between two starts of a view.
#[derive(Clone, Debug, Default)]
pub(super) struct Segment {
    pub(super) began_by_reset: bool,
    /// Whether a snapshot began the segment: only then the view is complete.
    pub(super) has_pages: bool,
    /// The cursor of the first `live`.
    pub(super) first_live: Option<Cursor>,
    /// All log positions that messages named from that `live` on.
    pub(super) positions: Vec<LogPosition>,
    /// The cursor of the last `live`. A connection that resumed was sent net changes before it.
    pub(super) last_live: Option<Cursor>,
    /// The changes that came one by one from the last `live` on, with their verdicts.
    pub(super) changes: Vec<(LogPosition, String)>,
    /// Whether a batch came after the last `live`.
    pub(super) has_batches: bool,
    last: BTreeMap<Partition, Position>,
}

impl Fold {
    pub(super) fn new(kinds: Kinds) -> Self {
        Self {
            kinds,
            people: BTreeMap::new(),
            sentences: BTreeMap::new(),
            received_sentences: Vec::new(),
            cursor: None,
            segments: vec![Segment::default()],
            contradictions: Vec::new(),
            expects_live: true,
        }
    }

    /// Notes a new connection. Without a cursor it starts a new view.
    pub(super) fn connected(&mut self, continues: bool) {
        self.expects_live = true;
        if !continues {
            self.begin_segment(false);
        }
    }

    /// Folds a message.
    pub(super) fn apply(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Page(people) => self.page(people),
            ServerMessage::Live(cursor) => {
                if !std::mem::take(&mut self.expects_live) {
                    self.contradict("live came twice".to_owned());
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
            ServerMessage::Reset => self.begin_segment(true),
            ServerMessage::Saved(id, sentence) => {
                self.received_sentences.push((id, sentence.clone()));
                self.sentences.insert(id, sentence);
            }
            ServerMessage::Removed(id) => {
                self.received_sentences.push((id, "gone".to_owned()));
                self.sentences.remove(&id);
            }
            ServerMessage::Other => {}
        }
    }

    /// Replaces the client's cursor.
    pub(super) fn set_cursor(&mut self, cursor: Cursor) {
        cursor.log_positions().for_each(|at| self.note_cursor(at));
        self.cursor = Some(cursor);
    }

    /// The segment since the last start.
    pub(super) fn current_segment(&self) -> &Segment {
        self.segments
            .last()
            .expect("a fold starts with one segment")
    }

    pub(super) fn resets(&self) -> usize {
        self.segments
            .iter()
            .filter(|segment| segment.began_by_reset)
            .count()
    }

    fn segment_mut(&mut self) -> &mut Segment {
        self.segments
            .last_mut()
            .expect("a fold starts with one segment")
    }

    fn begin_segment(&mut self, by_reset: bool) {
        self.people.clear();
        self.sentences.clear();
        self.received_sentences.clear();
        self.cursor = None;
        self.expects_live = true;
        self.segments.push(Segment {
            began_by_reset: by_reset,
            ..Segment::default()
        });
    }

    fn page(&mut self, people: Vec<Record>) {
        if self.cursor.is_some() {
            self.contradict("a page came outside a snapshot".to_owned());
        }
        self.segment_mut().has_pages = true;
        for person in people {
            let id = id_of(&person);
            if self.people.insert(id, person).is_some() {
                self.contradict(format!("a page repeats {id}"));
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
            let before = if was_in {
                "in the view"
            } else {
                "not in the view"
            };
            self.contradict(format!(
                "{} of {}, a person {before}",
                change.verdict, change.id
            ));
        }
    }

    /// Notes a change. Its position must be after all earlier ones of its partition.
    fn note_change(&mut self, at: LogPosition) {
        let last = self.current_segment().last.get(&at.partition).copied();
        if let Some(last) = last
            && (last.epoch != at.position.epoch || last.seq >= at.position.seq)
        {
            self.contradict(format!("a change at {at} came after {last}"));
        }
        self.note(at);
    }

    /// Notes a position of a cursor. It must not be before an earlier one of its partition.
    fn note_cursor(&mut self, at: LogPosition) {
        let last = self.current_segment().last.get(&at.partition).copied();
        if let Some(last) = last
            && (last.epoch != at.position.epoch || last.seq > at.position.seq)
        {
            self.contradict(format!("a cursor names {at} after {last}"));
        }
        self.note(at);
    }

    fn note(&mut self, at: LogPosition) {
        let segment = self.segment_mut();
        segment.last.insert(at.partition, at.position);
        if segment.first_live.is_some() {
            segment.positions.push(at);
        }
    }

    fn contradict(&mut self, what: String) {
        self.contradictions.push(what);
    }
}

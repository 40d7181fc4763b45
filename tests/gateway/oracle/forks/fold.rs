//! What one client holds: the messages that it was sent, folded as the contract says, with all that
//! contradicts it.

use std::collections::BTreeMap;

use people_client::Cursor;
use people_gateway::domain::{LogPosition, Partition, PersonId, Position};
use people_gateway::filter::Kinds;

use super::told::{Fate, Record, Told, id_of};

/// One client's view and its history.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    kinds: Kinds,
    pub(super) people: BTreeMap<PersonId, Record>,
    /// Text: the sentence that shows each person, and all sentences in order.
    pub(super) sentences: BTreeMap<PersonId, String>,
    pub(super) heard: Vec<(PersonId, String)>,
    /// Where it would resume.
    pub(super) cursor: Option<Cursor>,
    /// Stretches of its history; a reset or a new start begins another. The last one counts.
    pub(super) segments: Vec<Segment>,
    pub(super) contradictions: Vec<String>,
    live_due: bool,
}

/// What was told between two starts of a view.
#[derive(Clone, Debug, Default)]
pub(super) struct Segment {
    pub(super) began_by_reset: bool,
    /// Whether the people are all who match: a snapshot began it.
    pub(super) has_pages: bool,
    /// The cursor of its first `live`.
    pub(super) began: Option<Cursor>,
    /// All places that were told from that `live` on.
    pub(super) told: Vec<LogPosition>,
    /// The single changes from that `live` on.
    pub(super) changes: Vec<(LogPosition, String)>,
    pub(super) has_batches: bool,
    last: BTreeMap<Partition, Position>,
}

impl Fold {
    pub(super) fn new(kinds: Kinds) -> Self {
        Self {
            kinds,
            people: BTreeMap::new(),
            sentences: BTreeMap::new(),
            heard: Vec::new(),
            cursor: None,
            segments: vec![Segment::default()],
            contradictions: Vec::new(),
            live_due: true,
        }
    }

    /// A connection began; with a cursor it continues the view, else the view begins anew.
    pub(super) fn connected(&mut self, continues: bool) {
        self.live_due = true;
        if !continues {
            self.begin(false);
        }
    }

    /// Takes a message.
    pub(super) fn take(&mut self, told: Told) {
        match told {
            Told::Page(people) => self.page(people),
            Told::Live(cursor) => {
                if !std::mem::take(&mut self.live_due) {
                    self.contradict("live was told twice".to_owned());
                }
                self.segment().began.get_or_insert_with(|| cursor.clone());
                self.moved_to(cursor);
            }
            Told::Change(at, fate) => {
                self.passes(at);
                let segment = self.segment();
                if segment.began.is_some() {
                    segment.changes.push((at, fate.word.clone()));
                }
                if let Some(cursor) = &mut self.cursor {
                    cursor.advance(at);
                }
                self.fold(fate);
            }
            Told::Batch(cursor, fates) => {
                self.segment().has_batches = true;
                for fate in fates {
                    self.fold(fate);
                }
                if self.cursor.is_some() {
                    self.moved_to(cursor);
                } else {
                    cursor.log_positions().for_each(|at| self.reaches(at));
                }
            }
            Told::Position(cursor) => self.moved_to(cursor),
            Told::Reset => self.begin(true),
            Told::Saved(id, sentence) => {
                self.heard.push((id, sentence.clone()));
                self.sentences.insert(id, sentence);
            }
            Told::Gone(id) => {
                self.heard.push((id, "gone".to_owned()));
                self.sentences.remove(&id);
            }
            Told::Other => {}
        }
    }

    /// A cursor was told, which replaces the client's.
    pub(super) fn moved_to(&mut self, cursor: Cursor) {
        cursor.log_positions().for_each(|at| self.reaches(at));
        self.cursor = Some(cursor);
    }

    /// The stretch since the last start.
    pub(super) fn now(&self) -> &Segment {
        self.segments
            .last()
            .expect("there is one from the beginning on")
    }

    pub(super) fn resets(&self) -> usize {
        self.segments
            .iter()
            .filter(|segment| segment.began_by_reset)
            .count()
    }

    fn segment(&mut self) -> &mut Segment {
        self.segments
            .last_mut()
            .expect("there is one from the beginning on")
    }

    fn begin(&mut self, by_reset: bool) {
        self.people.clear();
        self.sentences.clear();
        self.heard.clear();
        self.cursor = None;
        self.live_due = true;
        self.segments.push(Segment {
            began_by_reset: by_reset,
            ..Segment::default()
        });
    }

    fn page(&mut self, people: Vec<Record>) {
        if self.cursor.is_some() {
            self.contradict("a page came outside a snapshot".to_owned());
        }
        self.segment().has_pages = true;
        for person in people {
            let id = id_of(&person);
            if self.people.insert(id, person).is_some() {
                self.contradict(format!("a page shows {id}, who was shown already"));
            }
        }
    }

    fn fold(&mut self, fate: Fate) {
        let is_exact = self.kinds == Kinds::All && self.now().has_pages;
        let comes = matches!(fate.word.as_str(), "create" | "enter");
        let was_in = match fate.person {
            Some(person) => self.people.insert(fate.id, person).is_some(),
            None => self.people.remove(&fate.id).is_some(),
        };
        if is_exact && comes == was_in {
            let before = if was_in {
                "in the view"
            } else {
                "not in the view"
            };
            self.contradict(format!("{} of {}, who was {before}", fate.word, fate.id));
        }
    }

    /// A change at this place: it must be after all that was told of its partition.
    fn passes(&mut self, at: LogPosition) {
        let last = self.now().last.get(&at.partition).copied();
        if let Some(last) = last
            && (last.epoch != at.position.epoch || last.seq >= at.position.seq)
        {
            self.contradict(format!("a change at {at} came after {last}"));
        }
        self.note(at);
    }

    /// A cursor names this place: it must not be before what was told of its partition.
    fn reaches(&mut self, at: LogPosition) {
        let last = self.now().last.get(&at.partition).copied();
        if let Some(last) = last
            && (last.epoch != at.position.epoch || last.seq > at.position.seq)
        {
            self.contradict(format!("a cursor names {at} after {last}"));
        }
        self.note(at);
    }

    fn note(&mut self, at: LogPosition) {
        let segment = self.segment();
        segment.last.insert(at.partition, at.position);
        if segment.began.is_some() {
            segment.told.push(at);
        }
    }

    fn contradict(&mut self, what: String) {
        self.contradictions.push(what);
    }
}

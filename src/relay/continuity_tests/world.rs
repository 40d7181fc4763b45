//! `World` is a simulated log and a channel that loses, repeats, reorders and forges; a schedule of
//! steps drives it.

use proptest::prelude::*;

use crate::domain::{
    Change, Epoch, FieldsJson, LogPosition, Partition, Position, Seq, Tag, Timestamp,
};
use crate::relay::continuity::{Action, Continuity};
use crate::store::{LogAnswer, ModelEntries};

const PARTITION: Partition = Partition::new(0);
/// Entries that the simulated log keeps, and changes that one answer brings.
pub(super) const LOG_MAX: usize = 12;
pub(super) const PAGE: usize = 5;

/// What the schedule does next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Write,
    /// The frame with this index among those in flight arrives.
    Arrive(prop::sample::Index),
    Lose(prop::sample::Index),
    Repeat(prop::sample::Index),
    /// A frame that was never in the log.
    Forge {
        seq: u64,
        tag: u64,
        epoch: bool,
        chained: bool,
    },
    /// The question under way is answered.
    Answer,
    /// The question under way fails.
    Fail,
    /// The head is read.
    Head,
    /// The head with this index among those that were read arrives.
    HeadArrives(prop::sample::Index),
    SuspectGap,
    /// The log begins anew.
    Wipe,
    /// The log loses this many last entries, then gets this many others.
    Fork(usize, usize),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let index = || any::<prop::sample::Index>();
    prop_oneof![
        8 => Just(Step::Write),
        8 => index().prop_map(Step::Arrive),
        2 => index().prop_map(Step::Lose),
        2 => index().prop_map(Step::Repeat),
        1 => (0..40_u64, any::<u64>(), any::<bool>(), any::<bool>())
            .prop_map(|(seq, tag, epoch, chained)| Step::Forge { seq, tag, epoch, chained }),
        5 => Just(Step::Answer),
        1 => Just(Step::Fail),
        2 => Just(Step::Head),
        2 => index().prop_map(Step::HeadArrives),
        1 => Just(Step::SuspectGap),
        1 => Just(Step::Wipe),
        1 => (1..4_usize, 0..4_usize).prop_map(|(lost, written)| Step::Fork(lost, written)),
    ]
}

/// The store, the channel, and the delivered changes.
pub(super) struct World {
    pub(super) epoch: u64,
    /// All entries of the epoch, also those that the log trimmed.
    pub(super) log: Vec<Change>,
    pub(super) tags: u64,
    pub(super) frames: Vec<Change>,
    /// Heads that were read, each with the last position that was passed on before.
    pub(super) heads: Vec<(Position, Position)>,
    pub(super) continuity: Continuity,
    pub(super) question: Option<Position>,
    /// The position of the last reset, and the changes that were delivered since.
    pub(super) begin: Position,
    pub(super) delivered: Vec<Change>,
    pub(super) resets: usize,
    pub(super) breaks: usize,
}

impl World {
    pub(super) fn new() -> Self {
        let begin = Position::start_of(Epoch::new(1));
        let continuity = Continuity::new(PARTITION, begin, []);
        Self {
            epoch: 1,
            log: Vec::new(),
            tags: 0,
            frames: Vec::new(),
            heads: Vec::new(),
            continuity,
            question: None,
            begin,
            delivered: Vec::new(),
            resets: 0,
            breaks: 0,
        }
    }

    fn log(&self) -> ModelEntries<'_> {
        ModelEntries {
            epoch: Epoch::new(self.epoch),
            entries: &self.log,
            trimmed: self.log.len().saturating_sub(LOG_MAX),
        }
    }

    pub(super) fn head(&self) -> Position {
        self.log().head()
    }

    pub(super) fn write(&mut self) {
        self.tags += 1;
        let head = self.head();
        let change = change(
            Position {
                epoch: head.epoch,
                seq: head.seq.next(),
                tag: Tag::new(self.tags),
            },
            head.tag,
        );
        self.log.push(change.clone());
        self.frames.push(change);
    }

    /// The log's answer.
    pub(super) fn since(&self, from: Position) -> LogAnswer {
        self.log().since(from, PAGE)
    }

    pub(super) fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Deliver(change) => self.delivered.push(change),
                Action::Reset(_, _, head) => {
                    self.begin = head;
                    self.delivered.clear();
                    self.resets += 1;
                }
                Action::Ask(_, from) => {
                    assert!(
                        self.question.replace(from).is_none(),
                        "one question at a time"
                    );
                }
                Action::Probe | Action::Repeated => {}
            }
        }
        let mut last = self.begin;
        for change in &self.delivered {
            let position = change.at.position;
            assert_eq!(
                (position.epoch, position.seq),
                (last.epoch, last.seq.next()),
                "no change is missing or repeated"
            );
            assert_eq!(change.previous, last.tag, "chained");
            last = position;
        }
    }

    pub(super) fn run(&mut self, step: Step) {
        let mut actions = Vec::new();
        match step {
            Step::Write => self.write(),
            Step::Arrive(index) if !self.frames.is_empty() => {
                let change = self.frames.remove(index.index(self.frames.len()));
                self.continuity.frame(change, &mut actions);
            }
            Step::Lose(index) if !self.frames.is_empty() => {
                drop(self.frames.remove(index.index(self.frames.len())));
            }
            Step::Repeat(index) if !self.frames.is_empty() => {
                let change = self.frames[index.index(self.frames.len())].clone();
                self.continuity.frame(change, &mut actions);
            }
            Step::Forge {
                seq,
                tag,
                epoch,
                chained,
            } => {
                let head = self.head();
                let epoch = if epoch { head.epoch } else { Epoch::new(tag) };
                // No forged tag chains to the last one: tags are 64 random bits.
                let previous = if chained {
                    Tag::new(u64::MAX)
                } else {
                    Tag::new(tag | 1 << 63)
                };
                let position = Position {
                    epoch,
                    seq: Seq::new(seq).unwrap(),
                    tag: Tag::new(tag | 1 << 63),
                };
                self.continuity
                    .frame(change(position, previous), &mut actions);
            }
            Step::Answer => {
                if let Some(from) = self.question.take() {
                    let answer = self.since(from);
                    self.continuity.answer(Some(answer), &mut actions);
                }
            }
            Step::Fail if self.question.take().is_some() => {
                self.continuity.answer(None, &mut actions);
            }
            Step::Head => self.heads.push((self.head(), self.continuity.last())),
            Step::HeadArrives(index) if !self.heads.is_empty() => {
                let (head, asked) = self.heads.remove(index.index(self.heads.len()));
                self.continuity.head(head, asked, &mut actions);
            }
            Step::SuspectGap => self.continuity.suspect_gap(&mut actions),
            Step::Wipe => {
                self.epoch += 1;
                self.log.clear();
                self.breaks += 1;
            }
            Step::Fork(lost, written) => {
                self.log.truncate(self.log.len().saturating_sub(lost));
                self.breaks += 1;
                (0..written).for_each(|_| self.write());
            }
            _ => {}
        }
        self.take(actions);
    }

    /// Compares heads and answers questions until continuity is proved; false if it never is.
    pub(super) fn settle(&mut self) -> bool {
        for _ in 0..200 {
            let mut actions = Vec::new();
            let proved = self.question.is_none() && {
                let asked = self.continuity.last();
                self.continuity.head(self.head(), asked, &mut actions)
            };
            self.take(actions);
            if proved {
                return true;
            }
            self.run(Step::Answer);
        }
        false
    }
}

fn change(position: Position, previous: Tag) -> Change {
    let fields =
        FieldsJson::from_stored(r#"{"firstName":"A","lastName":"B","age":1,"job":""}"#).unwrap();
    let moment = Timestamp::from_millis(0);
    let id = "0190f3e2-7c1b-7d9a-8f00-1234567890ab".parse().unwrap();
    Change {
        at: LogPosition::new(PARTITION, position),
        previous,
        id,
        time: moment,
        created_at: moment,
        before: None,
        after: Some(fields),
        trace: None,
    }
}

//! The writes of one step of the dispatcher: to whom, and what; equal parcels are made once.

use std::sync::Arc;

use crate::hub::burst::Burst;
use crate::hub::class::Class;
use crate::hub::outbox::Parcel;
use crate::hub::{Outbox, Place};
use crate::protocol::dress::Dress;
use crate::protocol::message::Message;

/// What is to be written to some sessions, to each once.
pub(super) struct Writes {
    /// Where the hub stands.
    place: Place,
    parcels: Vec<Parcel>,
    /// Each with the number of its parcel.
    to: Vec<(Arc<Outbox>, usize)>,
    /// The last parcel of changes: its class, from where on in that class's stream, and its number.
    last: Option<(usize, u64, usize)>,
    /// Parcels that tell the place, by dress.
    positions: Vec<(Dress, usize)>,
}

/// What a look at a class's round found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// It goes on.
    On,
    /// It is over.
    Over,
}

impl Writes {
    /// None yet.
    pub(super) fn new(place: Place) -> Self {
        Self { place, parcels: Vec::new(), to: Vec::new(), last: None, positions: Vec::new() }
    }

    /// One burst to one session.
    pub(super) fn one(outbox: Arc<Outbox>, burst: Burst) -> Self {
        let place = burst.after().clone();
        Self { parcels: vec![Parcel::Changes(burst)], to: vec![(outbox, 0)], ..Self::new(place) }
    }

    /// Adds what the next member of a class's round is due.
    pub(super) fn look(&mut self, class: &mut Class, number: usize) -> Looked {
        let Some((outbox, from)) = class.next_member().map(|(outbox, from)| (Arc::clone(outbox), from)) else {
            return Looked::Over;
        };
        let parcel = from.and_then(|from| self.changes(class, number, from));
        self.to.extend(parcel.map(|parcel| (outbox, parcel)));
        Looked::On
    }

    /// Adds the place for one session, unless its dress has no word for it.
    pub(super) fn add_position(&mut self, outbox: Arc<Outbox>, dress: Dress) {
        let parcel = self.position(dress);
        self.to.extend(parcel.map(|parcel| (outbox, parcel)));
    }

    /// The sessions, each with what it is to be sent.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<Outbox>, &Parcel)> {
        self.to.iter().map(|(outbox, parcel)| (outbox, &self.parcels[*parcel]))
    }

    fn changes(&mut self, class: &Class, number: usize, from: u64) -> Option<usize> {
        if let Some((_, _, parcel)) = self.last.filter(|last| (last.0, last.1) == (number, from)) {
            return Some(parcel);
        }
        let parcel = self.add(Parcel::Changes(class.burst(from)?));
        self.last = Some((number, from, parcel));
        Some(parcel)
    }

    fn position(&mut self, dress: Dress) -> Option<usize> {
        if let Some((_, parcel)) = self.positions.iter().find(|(known, _)| *known == dress) {
            return Some(*parcel);
        }
        let frame = dress.message(&Message::Position(&self.place.cursor))?;
        let parcel = self.add(Parcel::Position { frame, place: self.place.clone() });
        self.positions.push((dress, parcel));
        Some(parcel)
    }

    fn add(&mut self, parcel: Parcel) -> usize {
        self.parcels.push(parcel);
        self.parcels.len() - 1
    }
}

//! What a client said, carried out in its order: when it is its turn, everything before it is sent. So a filter changes at
//! one place, and a position is never ahead of what was shown.

use std::sync::Arc;

use super::attendant::Attendant;
use crate::filter::View;
use crate::hub::{Course, Subscription, Wish};
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::message::Message;
use crate::protocol::problem::Problem;
use crate::protocol::request::{FilterFrom, Refused, Request};

impl Attendant {
    /// Carries out a wish of a session that is on this course.
    pub(super) fn grant(&mut self, course: Course, subscription: &Subscription, wish: Wish) {
        match wish {
            Wish::Kinds(kinds) => {
                let view = View { kinds, filter: subscription.view.filter.clone() };
                match course {
                    // It shows who matches, whatever the kinds: it goes on.
                    Course::Snapshot { .. } => {
                        self.outbox.subscribe(Arc::new(Subscription { view, ..subscription.clone() }));
                        self.outbox.show(None, course, None);
                    }
                    Course::Missed { .. } => self.show_from_now(course, subscription, view, None),
                }
            }
            Wish::Request(Request::Ping { reference }) => {
                self.tell_position(course, subscription, reference.as_deref());
            }
            Wish::Request(Request::Stop) => {
                self.sessions.hub.close(&self.outbox, &Close::new(CloseCode::NORMAL, ""));
            }
            Wish::Request(Request::Filter { kinds, filter_text, from, reference }) => {
                match (self.sessions.filters.parse(&filter_text), from) {
                    (Ok(filter), FilterFrom::Now) => {
                        self.show_from_now(course, subscription, View { kinds, filter }, reference.as_deref());
                    }
                    (Ok(filter), FilterFrom::Snapshot) => {
                        self.show_snapshot(subscription, View { kinds, filter }, reference.as_deref());
                    }
                    (Err(error), _) => {
                        self.refuse(course, subscription, &Refused { reference, problem: Problem::from(error) });
                    }
                }
            }
            Wish::Refused(refused) => self.refuse(course, subscription, &refused),
        }
    }

    fn tell_position(&self, course: Course, subscription: &Subscription, reference: Option<&str>) {
        let place = match &course {
            Course::Missed { from, owes_live: None } => Some(from),
            // Before `live` a client holds no cursor.
            Course::Missed { owes_live: Some(_), .. } | Course::Snapshot { .. } => None,
        };
        let cursor = place.map(|place| &place.cursor);
        let pong = subscription.dress.message(&Message::Pong { reference, cursor });
        let told = place.map(|place| place.offset);
        self.outbox.show(pong, course, told);
    }

    fn show_from_now(&mut self, course: Course, subscription: &Subscription, view: View, reference: Option<&str>) {
        let (from, owes_live) = match course {
            Course::Missed { from, owes_live } => (from, owes_live),
            // A snapshot that ends here leaves the client without a place: the new view begins where the hub stands.
            Course::Snapshot { .. } => {
                let Some(place) = self.sessions.hub.place() else { return };
                let offset = place.offset;
                (place, Some(offset))
            }
        };
        let filtered = subscription.dress.message(&Message::Filtered { reference, cursor: Some(&from.cursor) });
        let told = Some(from.offset);
        self.choose(subscription, view);
        self.outbox.show(filtered, Course::Missed { from, owes_live }, told);
    }

    fn show_snapshot(&mut self, subscription: &Subscription, view: View, reference: Option<&str>) {
        let filtered = subscription.dress.message(&Message::Filtered { reference, cursor: None });
        self.choose(subscription, view);
        self.outbox.show(filtered, Course::Snapshot { reset: None }, None);
    }

    fn refuse(&self, course: Course, subscription: &Subscription, refused: &Refused) {
        let Refused { reference, problem } = refused;
        let error = subscription.dress.message(&Message::Error { reference: reference.as_deref(), problem });
        self.outbox.show(error, course, None);
    }

    fn choose(&mut self, subscription: &Subscription, view: View) {
        (self.snapshot, self.snapshots, self.waits) = (None, 0, None);
        self.outbox.subscribe(Arc::new(Subscription { view, ..subscription.clone() }));
    }
}

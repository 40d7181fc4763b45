//! What is asked of the dispatcher: carried out between two steps of writes, in slices.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Dispatcher;
use super::writes::Writes;
use crate::hub::aside::QUICK_STEPS;
use crate::hub::burst::{self, Burst, Judged};
use crate::hub::outbox::TooMuchAsked;
use crate::hub::{Command, Course, Outbox};
use crate::protocol::close::Close;

/// A joining session may be this many entries behind; further behind it catches up by itself first.
const JOIN_ENTRIES: usize = 256;
/// Commands that are taken at once.
const MOST_COMMANDS: usize = 256;
const COMMANDS_PAUSE: Duration = Duration::from_millis(1);
/// How long commands are carried out in a row before the feed gets its turn. One of them may take longer: a large filter
/// takes some milliseconds to be put into the index.
const COMMANDS_SLICE: Duration = Duration::from_millis(1);

impl Dispatcher {
    /// Waits for commands, and takes those that are there. They come together at most every millisecond: none of them is
    /// urgent, and ten thousand clients that connect at once need not wake this thread ten thousand times. Cancel safe:
    /// nothing is taken before it returns.
    pub async fn hear(&mut self) {
        if !self.asked.is_empty() {
            return;
        }
        let pause = COMMANDS_PAUSE.saturating_sub(self.heard.elapsed());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let mut asked = Vec::new();
        self.commands.recv_many(&mut asked, MOST_COMMANDS).await;
        self.asked.extend(asked);
        self.heard = Instant::now();
    }

    /// Carries out what was heard, or as much of it as there is time for.
    pub fn obey(&mut self) {
        let began = Instant::now();
        while let Some(command) = self.asked.pop_front() {
            self.execute(command);
            if began.elapsed() >= COMMANDS_SLICE {
                return;
            }
        }
    }

    pub(super) fn execute(&mut self, command: Command) {
        match command {
            Command::Join(outbox) => self.join(outbox),
            Command::Dismiss(outbox, close) => {
                self.serve_one(&outbox);
                self.hub.close(&outbox, &close);
            }
            Command::Leave(outbox) => {
                self.registry.remove(&outbox);
                self.hub.roster.remove(&outbox);
            }
            Command::Ask(outbox, wish) => {
                // What comes after its place is shown as it asks; what came before, as it asked until now.
                self.serve_one(&outbox);
                let Some(place) = self.hub.place() else { return };
                self.registry.remove(&outbox);
                match outbox.ask(wish, &place) {
                    Ok(attend) => self.hub.attend_if(attend, &outbox),
                    Err(TooMuchAsked) => self.hub.close(&outbox, &Close::ASKED_TOO_MUCH),
                }
            }
        }
    }

    fn join(&mut self, outbox: Arc<Outbox>) {
        let Some(place) = outbox.join() else { return };
        let subscription = outbox.subscription();
        let missed = self
            .hub
            .after(place.offset, JOIN_ENTRIES + 1)
            .filter(|missed| missed.len() <= JOIN_ENTRIES && subscription.steps(missed) <= QUICK_STEPS);
        let Some(missed) = missed else {
            let course = Course::Missed { from: place, owes_live: None };
            self.hub.attend_if(outbox.leave_stream(course), &outbox);
            return;
        };
        let broken = missed.iter().find_map(|entry| entry.event.broken());
        let has_word = subscription.dress.has_cursor();
        let shown: Vec<_> = burst::with_places(&place, &missed)
            .take_while(|(_, entry)| !has_word || entry.event.broken().is_none())
            .filter_map(|(before, entry)| Judged::new(before, entry)?.shown(&subscription))
            .collect();
        self.registry.add(Arc::clone(&outbox));
        if let Some(burst) = Burst::new(&shown) {
            self.write(&Writes::one(Arc::clone(&outbox), burst));
        }
        match broken {
            Some(reason) if has_word => {
                self.registry.remove(&outbox);
                self.show_anew(&outbox, reason);
                return;
            }
            // It goes on from the new head.
            Some(reason) => drop(self.hub.metrics.session_new_heads.at(reason.label()).inc()),
            None => {}
        }
        self.welcome(&outbox);
    }
}

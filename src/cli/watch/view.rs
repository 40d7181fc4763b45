//! `watch --view` keeps the people who match on the screen. It draws a few times a second, however
//! many changes arrive.

use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::Context as _;
use people_client::{ClientError, Completeness, LiveClient, LiveEvent, PeopleView};
use tokio::time::{Instant, sleep_until};

use super::lines;
use super::outcome::{FirstContact, WatchOutcome};
use super::output::{WatchOutput, write_unless_stopped};
use super::page;
use super::screen::Screen;
use super::signals::{StopRequest, WatchSignals};
use super::table::RecentChanges;
use super::terminal_signals::{TerminalSignal, TerminalSignals};
use crate::cli::terminal::{OutputForm, visible};
use crate::filter::Kinds;

/// The shortest time between two frames.
const FRAME_INTERVAL: Duration = Duration::from_millis(100);

/// Shows the view until the end.
pub(super) async fn show(
    live: &mut LiveClient,
    condition: &str,
    signals: &mut WatchSignals,
) -> anyhow::Result<WatchOutcome> {
    let mut terminal_signals =
        TerminalSignals::catch().context("cannot catch the terminal's signals")?;
    let mut output = WatchOutput::new(OutputForm::Plain);
    let screen = Screen::enter().context("cannot use the terminal")?;
    let mut table = LiveTable::new(condition, Instant::now());
    let mut contact = FirstContact::default();
    loop {
        let due = table.due;
        let event = tokio::select! {
            request = signals.next() => match request {
                StopRequest::Graceful => { live.stop(); continue }
                StopRequest::Immediate => return Ok(WatchOutcome::Immediate),
            },
            signal = terminal_signals.next() => {
                match signal {
                    TerminalSignal::Resize => {}
                    TerminalSignal::Suspend => {
                        screen.suspend().context("cannot stop and continue")?;
                    }
                    TerminalSignal::Resume => screen.disable_echo(),
                }
                table.redraw_soon(Instant::now());
                continue;
            }
            () = sleep_until(due) => {
                let frame = table.draw(Instant::now(), &output);
                match write_unless_stopped(&mut output, frame, live, signals).await? {
                    ControlFlow::Continue(()) => continue,
                    ControlFlow::Break(()) => return Ok(WatchOutcome::Immediate),
                }
            }
            event = live.next() => event,
        };
        match event {
            Ok(event) => match contact.check(&event) {
                Some(outcome) => return Ok(outcome),
                None => table.take(&event, Instant::now()),
            },
            Err(ClientError::Ended) => return Ok(WatchOutcome::Graceful),
            Err(error) => return Ok(WatchOutcome::Failed(error)),
        }
    }
}

/// The table on the screen.
struct LiveTable {
    condition: String,
    view: PeopleView,
    recent: RecentChanges,
    /// A note about the connection, in place of the view's state.
    note: Option<String>,
    /// Why the people are loading again.
    reset: Option<&'static str>,
    last_frame: Instant,
    /// When the next frame is due.
    due: Instant,
}

impl LiveTable {
    fn new(condition: &str, now: Instant) -> Self {
        let condition = if condition.is_empty() {
            "everyone".to_owned()
        } else {
            visible(condition).into_owned()
        };
        let note = Some("connecting".to_owned());
        Self {
            condition,
            view: PeopleView::new(Kinds::All),
            recent: RecentChanges::default(),
            note,
            reset: None,
            last_frame: now,
            due: now,
        }
    }

    fn take(&mut self, event: &LiveEvent, now: Instant) {
        self.recent.record(event, &self.view, now);
        let contradiction = self.view.apply(event).err();
        match event {
            LiveEvent::Stale { .. } | LiveEvent::Error { .. } => {
                self.note = Some(lines::event_lines(event).trim_end().to_owned());
            }
            LiveEvent::Reset { reason } => self.reset = Some(lines::reset_reason(*reason)),
            LiveEvent::Live { .. } => self.reset = None,
            LiveEvent::Fresh | LiveEvent::Connected { .. } => self.note = None,
            LiveEvent::Disconnected { .. } => self.note = lines::connection_line(event),
            _ => {}
        }
        if let Some(contradiction) = contradiction {
            self.note = Some(format!("the gateway contradicts itself: {contradiction}"));
        }
        self.redraw_soon(now);
    }

    /// Schedules a frame as soon as the interval allows.
    fn redraw_soon(&mut self, now: Instant) {
        self.due = self.due.min((self.last_frame + FRAME_INTERVAL).max(now));
    }

    fn draw(&mut self, now: Instant, output: &WatchOutput) -> String {
        /// The time to the next frame without events and marks.
        const IDLE: Duration = Duration::from_secs(3600);
        let size = Screen::size();
        let people = self.view.people();
        let rows = self.recent.rows(people, page::capacity(size), now);
        let lines = page::lines(&self.status(), &rows, people.len(), size);
        self.last_frame = now;
        self.due = self
            .recent
            .next_fade(now)
            .unwrap_or(now + IDLE)
            .max(now + FRAME_INTERVAL);
        Screen::frame(
            &lines
                .iter()
                .map(|line| output.coloured(line))
                .collect::<Vec<_>>(),
        )
    }

    fn status(&self) -> String {
        let state = match (&self.note, self.view.completeness()) {
            // The note may have colours, which would end those of the line.
            (Some(note), _) => anstream::adapter::strip_str(note).to_string(),
            (None, Completeness::Exact) => "live".to_owned(),
            (None, Completeness::Loading) => match self.reset {
                Some(reason) => format!("loading again: {reason}"),
                None => "loading".to_owned(),
            },
            (None, Completeness::Unknown) => "incomplete".to_owned(),
        };
        format!("{}  {state}", self.condition)
    }
}

#[cfg(test)]
mod tests {
    use people_client::{ResetReason, StartPoint};

    use super::*;

    #[test]
    fn the_status_says_why_people_load_again() {
        let now = Instant::now();
        let mut table = LiveTable::new("", now);
        let from = StartPoint::Snapshot;
        table.take(&LiveEvent::Connected { from }, now);
        let load = |table: &mut LiveTable| {
            let (people, cursor) = (Vec::new(), "0:a.5.1".parse().unwrap());
            table.take(&LiveEvent::Snapshot { people }, now);
            table.take(&LiveEvent::Live { cursor }, now);
        };
        load(&mut table);
        assert_eq!(table.status(), "everyone  live");
        let reason = ResetReason::Rights;
        table.take(&LiveEvent::Reset { reason }, now);
        assert_eq!(
            table.status(),
            "everyone  loading again: your rights have changed"
        );
        load(&mut table);
        assert_eq!(table.status(), "everyone  live");
    }
}

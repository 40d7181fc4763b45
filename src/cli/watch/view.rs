//! `watch --view`: the people who match, kept on the screen. It is drawn a few times a second,
//! however much happens.

use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::Context as _;
use people_client::{ClientError, Event, Live, View, ViewState};
use tokio::time::{Instant, sleep_until};

use super::lines;
use super::output::Output;
use super::page;
use super::screen::Screen;
use super::signals::{Asked, Signals};
use super::table::Recent;
use super::turns::{Turn, Turns};
use super::{Ended, Met};
use crate::cli::shown::visible;
use crate::filter::Kinds;

/// Between two frames, at least.
const FRAME: Duration = Duration::from_millis(100);

/// Shows it until it ends.
pub(super) async fn show(
    live: &mut Live,
    condition: &str,
    signals: &mut Signals,
) -> anyhow::Result<Ended> {
    let mut turns = Turns::catch().context("cannot catch the terminal's signals")?;
    let mut output = Output::new(super::Form::Plain);
    let screen = Screen::enter().context("cannot use the terminal")?;
    let (mut shown, mut met) = (Shown::new(condition, Instant::now()), Met::default());
    loop {
        let due = shown.due;
        let event = tokio::select! {
            asked = signals.next() => match asked {
                Asked::InGoodOrder => { live.stop(); continue }
                Asked::AtOnce => return Ok(Ended::AtOnce),
            },
            turn = turns.next() => {
                match turn {
                    Turn::Resized => {}
                    Turn::Suspended => screen.suspend().context("cannot stop and go on")?,
                    Turn::Resumed => screen.silence(),
                }
                shown.touch(Instant::now());
                continue;
            }
            () = sleep_until(due) => {
                let frame = shown.draw(Instant::now(), &output);
                match super::write(&mut output, frame, live, signals).await? {
                    ControlFlow::Continue(()) => continue,
                    ControlFlow::Break(()) => return Ok(Ended::AtOnce),
                }
            }
            event = live.next() => event,
        };
        match event {
            Ok(event) => match met.absent(&event) {
                Some(absent) => return Ok(absent),
                None => shown.take(&event, Instant::now()),
            },
            Err(ClientError::Ended) => return Ok(Ended::InGoodOrder),
            Err(error) => return Ok(Ended::Failed(error)),
        }
    }
}

/// What is on the screen.
struct Shown {
    condition: String,
    view: View,
    recent: Recent,
    /// About the connection, where there is something to say.
    note: Option<String>,
    drawn: Instant,
    due: Instant,
}

impl Shown {
    fn new(condition: &str, now: Instant) -> Self {
        let condition = if condition.is_empty() {
            "everyone".to_owned()
        } else {
            visible(condition).into_owned()
        };
        let note = Some("connecting".to_owned());
        Self {
            condition,
            view: View::new(Kinds::All),
            recent: Recent::default(),
            note,
            drawn: now,
            due: now,
        }
    }

    fn take(&mut self, event: &Event, now: Instant) {
        self.recent.note(event, &self.view, now);
        // A contradiction shows in the view's state.
        let contradiction = self.view.apply(event).err();
        match event {
            Event::Stale { .. } | Event::Error { .. } => {
                self.note = Some(lines::lines(event).trim_end().to_owned());
            }
            Event::Fresh | Event::Connected { .. } => self.note = None,
            Event::Disconnected { .. } => self.note = lines::note(event),
            _ => {}
        }
        if let Some(contradiction) = contradiction {
            self.note = Some(format!("the gateway contradicts itself: {contradiction}"));
        }
        self.touch(now);
    }

    /// Something is to be drawn anew, as soon as a frame may follow.
    fn touch(&mut self, now: Instant) {
        self.due = self.due.min((self.drawn + FRAME).max(now));
    }

    fn draw(&mut self, now: Instant, output: &Output) -> String {
        /// Where nothing happens and no mark fades.
        const IDLE: Duration = Duration::from_secs(3600);
        let size = Screen::size();
        let people = self.view.people();
        let rows = self.recent.rows(people, page::room(size), now);
        let lines = page::lines(&self.status(), &rows, people.len(), size);
        self.drawn = now;
        self.due = self
            .recent
            .fades(now)
            .unwrap_or(now + IDLE)
            .max(now + FRAME);
        Screen::frame(
            &lines
                .iter()
                .map(|line| output.coloured(line))
                .collect::<Vec<_>>(),
        )
    }

    fn status(&self) -> String {
        let state = match (&self.note, self.view.state()) {
            // It may have colours of its own, which would end those of the line.
            (Some(note), _) => anstream::adapter::strip_str(note).to_string(),
            (None, ViewState::Exact) => "live".to_owned(),
            (None, ViewState::Loading) => "loading".to_owned(),
            (None, ViewState::Unknown) => "not all of them".to_owned(),
        };
        format!("{}  {state}", self.condition)
    }
}

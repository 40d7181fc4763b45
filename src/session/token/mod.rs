//! The token of a session: when its client learns that it expires, when it ends, and what replaces
//! it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::tick::Tick;
use crate::protocol::close::Close;
use crate::protocol::problem::{Problem, ProblemKind};
use crate::rights::{Lease, Rights, Verb};

/// Verifies a token that a client sends on its stream.
pub type VerifyToken =
    Arc<dyn Fn(String) -> BoxFuture<'static, Result<Arc<Lease>, Problem>> + Send + Sync>;

/// Time between two looks at whether the key of a token was withdrawn: with the turns of the timer
/// wheel, less than a second.
const KEY_INTERVAL: Duration = Duration::from_millis(900);
/// Refused tokens after which a session is closed.
const REFUSED_MAX: u8 = 5;

/// The token that a session has now.
#[derive(Debug)]
pub(super) struct HeldToken {
    lease: Arc<Lease>,
    /// When the client gets `expiring`; none once it did.
    warning: Option<Tick>,
    /// When the session is closed.
    end: Tick,
    /// When its key is looked at; none where no key can be withdrawn.
    look: Option<Tick>,
    /// Counts the tokens that were held: a visit that was set for an older one means nothing.
    generation: u8,
    refused: u8,
}

/// What a visit finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TokenVisit {
    /// Nothing to do until this tick.
    Wait(Tick),
    /// The client learns that its token expires in so many seconds; nothing else until this tick.
    Warn(u64, Tick),
    /// The session is closed so: the token has ended, or its key was withdrawn.
    End(Close),
}

/// What becomes of a new token.
pub(super) enum Renewal<T> {
    /// It replaces the old one, and expires in so many seconds. Its visits begin at a tick.
    Accepted {
        /// What follows from its rights.
        admitted: T,
        /// Seconds until it expires.
        seconds: u64,
        /// When it is first visited.
        due: Tick,
        /// Its number.
        generation: u8,
    },
    /// It is refused, and the old one goes on.
    Refused(Problem),
    /// It is refused, and was the last that the client may send.
    RefusedTooOften,
}

impl HeldToken {
    /// Begins to watch a token. The warning comes at a random moment between two times `lead` and
    /// `lead` before it expires, because many tokens may be of the same second, and within the last
    /// half of what the token has left.
    pub(super) fn new(lease: Arc<Lease>, now: Tick, lead: Duration) -> Self {
        let left = lease.expires_at.saturating_duration_since(Instant::now());
        let latest = left.saturating_sub(lead).max(left * 3 / 4);
        let earliest = left.saturating_sub(lead * 2).max(left / 2).min(latest);
        let warning = earliest + latest.saturating_sub(earliest).mul_f64(rand::random());
        let end = lease.ends_at.saturating_duration_since(Instant::now());
        // At a random moment: a key ends many sessions, which should not all be closed at once.
        let look = lease
            .key
            .as_ref()
            .map(|_| KEY_INTERVAL.mul_f64(rand::random()));
        Self {
            warning: Some(now.after(warning)),
            end: now.after(end),
            look: look.map(|look| now.after(look)),
            lease,
            generation: 0,
            refused: 0,
        }
    }

    /// Its number.
    pub(super) const fn generation(&self) -> u8 {
        self.generation
    }

    /// When something is to be done.
    pub(super) fn due(&self) -> Tick {
        let sooner = [self.warning, self.look].into_iter().flatten();
        sooner.fold(self.end, Tick::min)
    }

    /// Does what is due.
    pub(super) fn visit(&mut self, now: Tick) -> TokenVisit {
        if now >= self.end {
            return TokenVisit::End(Close::EXPIRED);
        }
        if self.look.is_some_and(|look| now >= look) {
            if self.lease.is_withdrawn() {
                return TokenVisit::End(Close::KEY_WITHDRAWN);
            }
            self.look = Some(now.after(KEY_INTERVAL));
        }
        match self.warning {
            Some(warning) if now >= warning => {
                self.warning = None;
                TokenVisit::Warn(self.lease.seconds_left(), self.due())
            }
            _ => TokenVisit::Wait(self.due()),
        }
    }

    /// Takes a new token in place of the old one, if it is valid, of the same holder, still allows
    /// to watch, and its rights are admitted.
    pub(super) fn renew<T>(
        &mut self,
        verified: Result<Arc<Lease>, Problem>,
        now: Tick,
        lead: Duration,
        admit: impl FnOnce(&Rights) -> Result<T, Problem>,
    ) -> Renewal<T> {
        let checked = verified
            .and_then(|lease| self.check(lease))
            .and_then(|lease| {
                let admitted = admit(&lease.rights)?;
                Ok((lease, admitted))
            });
        let (lease, admitted) = match checked {
            Ok(checked) => checked,
            // The token may be right, so the client may try it again.
            Err(problem) if problem.kind() == ProblemKind::KeysUnavailable => {
                return Renewal::Refused(problem);
            }
            Err(problem) => {
                self.refused += 1;
                if self.refused >= REFUSED_MAX {
                    return Renewal::RefusedTooOften;
                }
                return Renewal::Refused(problem);
            }
        };
        let seconds = lease.seconds_left();
        let generation = self.generation.wrapping_add(1);
        *self = Self {
            generation,
            refused: self.refused,
            ..Self::new(lease, now, lead)
        };
        Renewal::Accepted {
            admitted,
            seconds,
            due: self.due(),
            generation,
        }
    }

    fn check(&self, lease: Arc<Lease>) -> Result<Arc<Lease>, Problem> {
        if !lease.is_of_holder_of(&self.lease) {
            return Err(Problem::new(
                ProblemKind::Token,
                "This connection belongs to another subject or issuer (sub, iss): connect anew.",
            )
            .with("reason", "claims"));
        }
        if !lease.rights.can().contains(Verb::Watch) {
            return Err(Problem::forbidden(Verb::Watch, &lease.rights));
        }
        Ok(lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rights::KeyLife;

    const LEAD: Duration = Duration::from_secs(60);

    fn unrestricted() -> Arc<Rights> {
        Rights::all()
    }

    fn lease(subject: &str, rights: Arc<Rights>, seconds: u64) -> Arc<Lease> {
        let expires_at = Instant::now() + Duration::from_secs(seconds);
        Arc::new(Lease {
            subject: subject.into(),
            issuer: None,
            rights,
            ends: Duration::MAX,
            expires_at,
            ends_at: expires_at + Duration::from_secs(30),
            key: None,
        })
    }

    fn held(seconds: u64) -> HeldToken {
        held_under(lease("ada", unrestricted(), seconds))
    }

    fn held_under(lease: Arc<Lease>) -> HeldToken {
        HeldToken::new(lease, Tick(0), LEAD)
    }

    fn seconds(tick: Tick) -> f64 {
        tick.since(Tick(0)).as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn warnings_are_spread_before_the_end_of_the_token() {
        for (left, from, to) in [(3600, 3480, 3540), (150, 75, 113), (10, 5, 8), (0, 0, 1)] {
            let warnings: Vec<f64> = (0..200).map(|_| seconds(held(left).due())).collect();
            let (from, to) = (f64::from(from), f64::from(to));
            let inside = |at: &f64| (from..=to + 0.1).contains(at);
            assert!(warnings.iter().all(inside), "{left}: {warnings:?}");
            let later = warnings.iter().filter(|at| **at > f64::midpoint(from, to));
            assert!(left < 10 || (50..150).contains(&later.count()), "{left}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_warns_once_and_ends_after_its_leeway() {
        let mut token = held(100);
        let due = token.due();
        assert_eq!(token.visit(Tick(0)), TokenVisit::Wait(due));
        let end = Tick(0).after(Duration::from_secs(130));
        tokio::time::advance(due.since(Tick(0))).await;
        let TokenVisit::Warn(left, next) = token.visit(due) else {
            panic!("a warning is due");
        };
        assert!((24..=51).contains(&left) && next == end, "{left}");
        assert_eq!(token.visit(due), TokenVisit::Wait(end));
        assert_eq!(token.visit(end), TokenVisit::End(Close::EXPIRED));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_whose_key_is_withdrawn_ends_within_a_second() {
        let looks: Vec<f64> = (0..200)
            .map(|_| {
                let life = KeyLife::default();
                let mut lease = Arc::into_inner(lease("ada", unrestricted(), 3600)).expect("ours");
                lease.key = Some(life.clone());
                let mut token = held_under(Arc::new(lease));
                let first = token.due();
                let TokenVisit::Wait(second) = token.visit(first) else {
                    panic!("the key is there");
                };
                assert!(second.since(first) + Tick::LENGTH < Duration::from_secs(1));
                life.withdraw();
                assert_eq!(token.visit(first), TokenVisit::Wait(second));
                let end = TokenVisit::End(Close::KEY_WITHDRAWN);
                assert_eq!(token.visit(second), end);
                seconds(first)
            })
            .collect();
        assert!(looks.iter().all(|look| *look < 1.0), "{looks:?}");
        let later = looks.iter().filter(|look| **look > 0.45).count();
        assert!((50..150).contains(&later), "{looks:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_token_of_the_same_holder_who_may_watch_replaces_the_old_one() {
        let mut token = held(100);
        let later = lease("ada", unrestricted(), 1000);
        match token.renew(Ok(later), Tick(0), LEAD, |_| Ok(())) {
            Renewal::Accepted {
                admitted: (),
                seconds: 1000,
                due,
                generation: 1,
            } => assert_eq!(due, token.due()),
            _ => panic!("it is accepted"),
        }
        let refusals = [
            Ok(lease("grace", unrestricted(), 1000)),
            Ok(lease("ada", Rights::none(), 1000)),
            Err(Problem::new(ProblemKind::Token, "")),
            Err(Problem::new(ProblemKind::Token, "")),
        ];
        for refused in refusals {
            let renewed = token.renew(refused, Tick(0), LEAD, |_| Ok(()));
            assert!(matches!(renewed, Renewal::Refused(_)));
            assert_eq!(token.generation(), 1);
        }
        let unfit = token.renew(
            Ok(lease("ada", unrestricted(), 1000)),
            Tick(0),
            LEAD,
            |_| Err::<(), _>(Problem::new(ProblemKind::Filter, "")),
        );
        assert!(matches!(unfit, Renewal::RefusedTooOften));
        token.refused = 4;
        let unjudged = Err(Problem::new(ProblemKind::KeysUnavailable, ""));
        let renewed = token.renew(unjudged, Tick(0), LEAD, |_| Ok(()));
        assert!(matches!(renewed, Renewal::Refused(_)), "it does not count");
        let last = Err(Problem::new(ProblemKind::Token, ""));
        let renewed = token.renew(last, Tick(0), LEAD, |_| Ok(()));
        assert!(matches!(renewed, Renewal::RefusedTooOften));
    }
}

//! The audit log: refused callers and changed keys, under a target of its own.
//!
//! A line has a constant message and fields, never a token, a claim but `sub`, a filter or a
//! person. Callers cause these lines, so each message comes at most [`LINES`] times a second; then
//! one line counts those that were left out. The target's lines are of level info.

use std::fmt::{Debug, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep_until;

use super::{Label, LogThrottle};

/// The target of the lines.
pub(super) const TARGET: &str = "audit";
/// Lines of one message in a second.
const LINES: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// The audit log of a gateway.
#[derive(Debug)]
pub struct AuditLog {
    token_refused: Arc<AuditMessage>,
    forbidden: Arc<AuditMessage>,
    limited: Arc<AuditMessage>,
    keys_changed: Arc<AuditMessage>,
}

/// A message, and how many of its lines were left out.
#[derive(Debug)]
struct AuditMessage {
    text: &'static str,
    throttle: LogThrottle,
    /// Since the last line that told it. While it is not 0, a task waits to tell it.
    left_out: AtomicU64,
}

/// A call that the caller's rights do not allow.
pub struct ForbiddenCall<'c> {
    /// The claim `sub`; none for a caller without a token.
    pub subject: Option<&'c str>,
    /// The caller's role.
    pub role: Option<&'c str>,
    /// The verb that it lacks.
    pub verb: &'c str,
    /// The template of the path.
    pub route: &'c str,
    /// The id of the request.
    pub request: &'c dyn Display,
}

/// Other keys than before.
pub struct ChangedKeys<'k> {
    /// Where they come from, without a query.
    pub url: &'k dyn Display,
    /// How many there are now.
    pub keys: usize,
    /// Their algorithms.
    pub algorithms: &'k dyn Debug,
    /// Those that were not there before.
    pub added: usize,
    /// Those that are no longer there.
    pub withdrawn: usize,
}

impl AuditLog {
    /// Nothing was left out yet.
    pub fn new() -> Self {
        let message = |text| {
            Arc::new(AuditMessage {
                text,
                throttle: LogThrottle::new(LINES, SECOND),
                left_out: AtomicU64::new(0),
            })
        };
        Self {
            token_refused: message("token refused"),
            forbidden: message("forbidden"),
            limited: message("limited"),
            keys_changed: message("keys changed"),
        }
    }

    /// A token was refused, or is missing. `kid` is asked for only if the line is written.
    pub fn token_refused(
        &self,
        reason: &'static str,
        address: Option<&dyn Display>,
        kid: impl FnOnce() -> Option<String>,
    ) {
        self.token_refused.log(|| {
            let (address, kid) = (address.map(tracing::field::display), kid());
            tracing::info!(target: TARGET, reason, address, kid, "token refused");
        });
    }

    /// A call was refused because of the caller's rights.
    pub fn forbidden(&self, call: &ForbiddenCall<'_>) {
        self.forbidden.log(|| {
            let ForbiddenCall {
                subject,
                role,
                verb,
                route,
                request,
            } = call;
            tracing::info!(target: TARGET, subject, role, verb, route, %request, "forbidden");
        });
    }

    /// An address has reached a limit.
    pub fn address_limited(&self, limit: impl Label, address: impl Display) {
        self.limited.log(|| {
            let limit = limit.name();
            tracing::info!(target: TARGET, limit, %address, "limited");
        });
    }

    /// A subject has reached a limit.
    pub fn subject_limited(&self, limit: impl Label, subject: &str) {
        self.limited.log(|| {
            let limit = limit.name();
            tracing::info!(target: TARGET, limit, subject, "limited");
        });
    }

    /// A fetch of keys brought others than before.
    pub fn keys_changed(&self, change: &ChangedKeys<'_>) {
        self.keys_changed.log(|| {
            let ChangedKeys {
                url,
                keys,
                algorithms,
                added,
                withdrawn,
            } = change;
            tracing::info!(
                target: TARGET, %url, keys, ?algorithms, added, withdrawn, "keys changed"
            );
        });
    }

    /// Tells what was left out and not told yet: the last act before the program ends.
    pub fn close(&self) {
        for message in [
            &self.token_refused,
            &self.forbidden,
            &self.limited,
            &self.keys_changed,
        ] {
            message.tell_left_out();
        }
    }
}

impl Default for AuditLog {
    fn default() -> Self {
        Self::new()
    }
}

impl AuditMessage {
    /// Writes the line, or counts it as left out.
    fn log(self: &Arc<Self>, line: impl FnOnce()) {
        let Err(ends) = self.throttle.admit() else {
            return line();
        };
        let is_first = self.left_out.fetch_add(1, Ordering::AcqRel) == 0;
        // Outside of a runtime the end of the program tells it.
        if let (true, Ok(runtime)) = (is_first, Handle::try_current()) {
            let message = Arc::clone(self);
            // Not among the tasks that a shutdown waits for: it tells the rest itself.
            runtime.spawn(async move {
                sleep_until(ends).await;
                message.tell_left_out();
            });
        }
    }

    fn tell_left_out(&self) {
        let left_out = self.left_out.swap(0, Ordering::AcqRel);
        if left_out > 0 {
            tracing::info!(target: TARGET, line = self.text, left_out, "lines left out");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Mutex, PoisonError};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for &Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'l> MakeWriter<'l> for Lines {
        type Writer = &'l Self;

        fn make_writer(&'l self) -> Self::Writer {
            self
        }
    }

    impl Lines {
        /// Writes this thread's log here until the guard is dropped.
        fn capture(&self) -> tracing::subscriber::DefaultGuard {
            let log = tracing_subscriber::fmt()
                .with_writer(self.clone())
                .with_ansi(false)
                .without_time()
                .finish();
            tracing::subscriber::set_default(log)
        }

        fn taken(&self) -> Vec<String> {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let text = String::from_utf8(std::mem::take(&mut *lines)).expect("UTF-8");
            text.lines().map(|line| line.trim().to_owned()).collect()
        }
    }

    #[derive(Clone, Copy, PartialEq)]
    struct Word;

    impl Label for Word {
        const KEY: &'static str = "word";
        const ALL: &'static [Self] = &[Self];

        fn name(self) -> &'static str {
            "word"
        }
    }

    #[tokio::test(start_paused = true)]
    async fn lines_beyond_ten_a_second_are_counted_also_if_none_follows() {
        let lines = Lines::default();
        let _guard = lines.capture();
        let audit = AuditLog::new();
        for _ in 0..13 {
            audit.address_limited(Word, "192.0.2.7");
        }
        audit.subject_limited(Word, "ada");
        audit.token_refused("expired", None, || Some("k\n1".to_owned()));
        let written = lines.taken();
        assert_eq!(written.len(), 11, "{written:?}");
        assert_eq!(
            written[0],
            r#"INFO audit: limited limit="word" address=192.0.2.7"#
        );
        let refused = r#"INFO audit: token refused reason="expired" kid="k\n1""#;
        assert_eq!(written[10], refused);
        tokio::time::sleep(2 * SECOND).await;
        let count = r#"INFO audit: lines left out line="limited" left_out=4"#;
        assert_eq!(lines.taken(), [count]);
        tokio::time::sleep(2 * SECOND).await;
        audit.subject_limited(Word, "ada");
        assert_eq!(
            lines.taken(),
            [r#"INFO audit: limited limit="word" subject="ada""#]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_is_told_before_the_end() {
        let lines = Lines::default();
        let _guard = lines.capture();
        let audit = AuditLog::new();
        let call = ForbiddenCall {
            subject: Some("ada"),
            role: None,
            verb: "read",
            route: "/people",
            request: &7,
        };
        for _ in 0..12 {
            audit.forbidden(&call);
        }
        audit.close();
        audit.close();
        tokio::time::sleep(2 * SECOND).await;
        let written = lines.taken();
        assert_eq!(written.len(), 11, "{written:?}");
        let forbidden = r#"forbidden subject="ada" verb="read" route="/people" request=7"#;
        assert_eq!(written[0], format!("INFO audit: {forbidden}"));
        assert!(
            written[10].ends_with(r#"line="forbidden" left_out=2"#),
            "{written:?}"
        );
    }
}

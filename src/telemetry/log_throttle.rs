//! Log lines that many callers may cause at once: some a period, and no more.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lets so many lines of a kind pass in each period.
#[derive(Debug)]
pub struct LogThrottle {
    lines: u32,
    period: Duration,
    current: Mutex<Period>,
}

/// The period that runs, and its lines so far.
#[derive(Debug, Default)]
struct Period {
    began: Option<Instant>,
    lines: u32,
}

impl LogThrottle {
    /// Lets `lines` pass in each `period`; a period begins with its first line.
    pub fn new(lines: u32, period: Duration) -> Self {
        Self {
            lines,
            period,
            current: Mutex::default(),
        }
    }

    /// Counts a line; the error is the end of a period that has had its lines.
    pub fn admit(&self) -> Result<(), Instant> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let ends = current.began.map(|began| began + self.period);
        match ends.filter(|ends| *ends > now) {
            None => {
                *current = Period {
                    began: Some(now),
                    lines: 1,
                };
                Ok(())
            }
            Some(_) if current.lines < self.lines => {
                current.lines += 1;
                Ok(())
            }
            Some(ends) => Err(ends),
        }
    }

    /// Writes the line, unless the period has had its lines.
    pub fn log(&self, line: impl FnOnce()) {
        if self.admit().is_ok() {
            line();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_throttle_lets_so_many_lines_pass_in_each_period() {
        const PERIOD: Duration = Duration::from_secs(10);
        let throttle = LogThrottle::new(2, PERIOD);
        let mut lines = 0;
        for _ in 0..3 {
            for _ in 0..100 {
                throttle.log(|| lines += 1);
            }
            let ends = throttle.admit().expect_err("the period has had its lines");
            assert_eq!(ends, Instant::now() + PERIOD);
            tokio::time::advance(PERIOD).await;
        }
        assert_eq!(lines, 6);
    }
}

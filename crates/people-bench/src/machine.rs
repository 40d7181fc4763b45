//! What /proc says: CPU time of processes and of their threads, resident memory, and what else the
//! machine did.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// CPU time that a process has used so far, in user and kernel, by all its threads.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    parse_times(&read(&format!("/proc/{pid}/stat"))?, 11)
}

/// CPU time of this process's children that have ended.
pub(crate) fn cpu_of_ended_children() -> anyhow::Result<Duration> {
    parse_times(&read("/proc/self/stat")?, 13)
}

/// The part of [`cpu`] that threads of this name used.
pub(crate) fn cpu_of_threads(pid: u32, name: &str) -> anyhow::Result<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.path();
        // A thread may end while it is looked at.
        let Ok(found) = fs::read_to_string(thread.join("comm")) else {
            continue;
        };
        if found.trim_end() == name {
            sum += parse_times(&read(&thread.join("stat").display().to_string())?, 11)?;
        }
    }
    Ok(sum)
}

/// Resident memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resident {
    pub(crate) now: u64,
    /// The most that it ever was.
    pub(crate) peak: u64,
}

impl Resident {
    /// Reads it now.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let status = read(&format!("/proc/{pid}/status"))?;
        let bytes = |name: &str| -> anyhow::Result<u64> {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .with_context(|| format!("no {name}"))?;
            let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
            Ok(kib * 1024)
        };
        Ok(Self {
            now: bytes("VmRSS:")?,
            peak: bytes("VmHWM:")?,
        })
    }
}

/// What all processes together have used of the CPUs so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    busy: Duration,
    stolen: Duration,
}

/// What others took of the CPUs while something was measured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Others {
    /// CPU time of processes that take no part.
    pub(crate) used: Duration,
    /// Time in which the hypervisor let something else run.
    pub(crate) stolen: Duration,
}

impl Machine {
    /// Reads it now.
    pub(crate) fn now() -> anyhow::Result<Self> {
        Self::parse(&read("/proc/stat")?)
    }

    fn parse(stat: &str) -> anyhow::Result<Self> {
        let line = stat
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("cpu "))
            .context("no line cpu")?;
        let ticks = line
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<Vec<u64>, _>>()?;
        let [
            user,
            nice,
            system,
            _idle,
            _waiting,
            interrupts,
            soft,
            stolen,
            ..,
        ] = ticks[..]
        else {
            anyhow::bail!("/proc/stat has too few columns");
        };
        Ok(Self {
            busy: duration(user + nice + system + interrupts + soft),
            stolen: duration(stolen),
        })
    }

    /// What was taken since `earlier` by others than those who used `ours`.
    pub(crate) fn others_since(&self, earlier: &Self, ours: Duration) -> Others {
        Others {
            used: self.busy.saturating_sub(earlier.busy + ours),
            stolen: self.stolen.saturating_sub(earlier.stolen),
        }
    }
}

/// A pair of times in stat, in user and in kernel (proc(5)), `skip` fields behind the name, which
/// may hold anything.
fn parse_times(stat: &str, skip: usize) -> anyhow::Result<Duration> {
    let (_, fields) = stat.rsplit_once(')').context("stat without a name")?;
    let mut fields = fields.split_whitespace().skip(skip);
    let mut ticks =
        || -> anyhow::Result<u64> { Ok(fields.next().context("stat is too short")?.parse()?) };
    Ok(duration(ticks()? + ticks()?))
}

fn duration(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_name_that_holds_anything() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 100 0 0 0 30 12 5 3 20 0 1 0 100 0 0";
        assert_eq!(parse_times(stat, 11).unwrap(), duration(42));
        assert_eq!(parse_times(stat, 13).unwrap(), duration(8));
        assert!(parse_times("7 (short) S 1 2", 11).is_err());
    }

    #[test]
    fn what_others_used_is_what_was_busy_without_ours_and_stolen_time_stands_by_itself() {
        let before =
            Machine::parse("cpu  100 0 50 1000 3 1 1 10 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n").unwrap();
        let after = Machine::parse("cpu  180 0 70 2000 9 1 1 16 0 0\n").unwrap();
        let others = after.others_since(&before, duration(60));
        assert_eq!((others.used, others.stolen), (duration(40), duration(6)));
        assert!(Machine::parse("cpu  1 2 3\n").is_err());
    }
}

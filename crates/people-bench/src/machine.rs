//! Measurements from /proc: CPU time of processes and threads, resident memory, and the load of
//! other processes.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// The CPU time of a process so far, in user and kernel mode, of all its threads.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    parse_times(&read(&format!("/proc/{pid}/stat"))?, 11)
}

/// The CPU time of this process's ended children.
pub(crate) fn cpu_of_ended_children() -> anyhow::Result<Duration> {
    parse_times(&read("/proc/self/stat")?, 13)
}

/// The CPU time of a process's threads with this name.
pub(crate) fn cpu_of_threads(pid: u32, name: &str) -> anyhow::Result<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.path();
        // The thread may have ended.
        let Ok(found) = fs::read_to_string(thread.join("comm")) else {
            continue;
        };
        if found.trim_end() == name {
            sum += parse_times(&read(&thread.join("stat").display().to_string())?, 11)?;
        }
    }
    Ok(sum)
}

/// The resident memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResidentMemory {
    pub(crate) now: u64,
    /// The peak since the start.
    pub(crate) peak: u64,
}

impl ResidentMemory {
    /// Reads the memory of this process.
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

/// The CPU time of all processes so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineCpu {
    busy: Duration,
    stolen: Duration,
}

/// The CPU time of others during a measurement.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OtherLoad {
    /// The CPU time of processes outside the measurement.
    pub(crate) used: Duration,
    /// The time in which the hypervisor ran something else.
    pub(crate) stolen: Duration,
}

impl MachineCpu {
    /// Reads the current times.
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

    /// The load of others since `earlier`. `ours` is the CPU time of the measured processes.
    pub(crate) fn others_since(&self, earlier: &Self, ours: Duration) -> OtherLoad {
        OtherLoad {
            used: self.busy.saturating_sub(earlier.busy + ours),
            stolen: self.stolen.saturating_sub(earlier.stolen),
        }
    }
}

/// The sum of two times in stat, in user and kernel mode (proc(5)), `skip` fields after the name.
/// The name may have any characters.
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
    fn times_are_found_after_a_name_with_any_characters() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 100 0 0 0 30 12 5 3 20 0 1 0 100 0 0";
        assert_eq!(parse_times(stat, 11).unwrap(), duration(42));
        assert_eq!(parse_times(stat, 13).unwrap(), duration(8));
        assert!(parse_times("7 (short) S 1 2", 11).is_err());
    }

    #[test]
    fn the_load_of_others_is_the_busy_time_without_ours_and_the_stolen_time() {
        let before =
            MachineCpu::parse("cpu  100 0 50 1000 3 1 1 10 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
                .unwrap();
        let after = MachineCpu::parse("cpu  180 0 70 2000 9 1 1 16 0 0\n").unwrap();
        let others = after.others_since(&before, duration(60));
        assert_eq!((others.used, others.stolen), (duration(40), duration(6)));
        assert!(MachineCpu::parse("cpu  1 2 3\n").is_err());
    }
}

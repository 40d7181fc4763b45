//! What /proc says: CPU time of processes and of their threads, resident memory, and what else the machine did.

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
        let Ok(found) = fs::read_to_string(thread.join("comm")) else { continue };
        if found.trim_end() == name {
            sum += parse_times(&read(&thread.join("stat").display().to_string())?, 11)?;
        }
    }
    Ok(sum)
}

/// Resident memory of a process, in bytes.
pub(crate) fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let status = read(&format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}

/// What all processes together have used of the CPUs so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    busy: Duration,
    stolen: Duration,
}

impl Machine {
    /// Reads it now.
    pub(crate) fn now() -> anyhow::Result<Self> {
        let stat = read("/proc/stat")?;
        let line = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).context("no line cpu")?;
        let ticks = line.split_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        let [user, nice, system, _idle, _waiting, interrupts, soft, stolen, ..] = ticks[..] else {
            anyhow::bail!("/proc/stat has too few columns");
        };
        Ok(Self { busy: duration(user + nice + system + interrupts + soft), stolen: duration(stolen) })
    }

    /// CPU time since `earlier` that was used by others than those who used `ours`, or taken by the hypervisor. A run
    /// with much of it is not worth much.
    pub(crate) fn others_since(&self, earlier: &Self, ours: Duration) -> Duration {
        self.busy.saturating_sub(earlier.busy + ours) + self.stolen.saturating_sub(earlier.stolen)
    }
}

/// What others may take of one core while a turn is measured.
const OTHERS_PERCENT: f64 = 33.0;
/// Turns that are thrown away at most; the next one counts, whatever it is, and the report shows how disturbed it was.
const MOST_REPEATS: usize = 10;

/// Takes a turn that others hardly disturbed: a build beside it makes any figure worthless. `others` says of a turn what
/// percentage of a core they took.
pub(crate) fn undisturbed<T>(
    mut turn: impl FnMut() -> anyhow::Result<T>,
    others: impl Fn(&T) -> f64,
) -> anyhow::Result<T> {
    for _ in 0..MOST_REPEATS {
        let taken = turn()?;
        if others(&taken) <= OTHERS_PERCENT {
            return Ok(taken);
        }
    }
    turn()
}

/// A pair of times in stat, in user and in kernel (proc(5)), `skip` fields behind the name, which may hold anything.
fn parse_times(stat: &str, skip: usize) -> anyhow::Result<Duration> {
    let (_, fields) = stat.rsplit_once(')').context("stat without a name")?;
    let mut fields = fields.split_whitespace().skip(skip);
    let mut ticks = || -> anyhow::Result<u64> { Ok(fields.next().context("stat is too short")?.parse()?) };
    Ok(duration(ticks()? + ticks()?))
}

fn duration(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| path.to_owned())
}

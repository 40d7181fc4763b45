//! The state of this process as the kernel reports it, under the names that all Prometheus
//! exporters use. Read at each scrape.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// Collects the state of the process. Values that `/proc` hides, as in some containers, are left
/// out.
#[derive(Debug)]
pub(super) struct ProcessCollector;

/// The exported fields of `/proc/self/stat` (proc(5)).
struct Stat {
    cpu_seconds: f64,
    threads: i64,
    /// Seconds from the start of the machine to the start of the process.
    started: f64,
    virtual_bytes: i64,
    resident_bytes: i64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    /// Reads the fields. The second one is the program's name in parentheses and may contain any
    /// character, so fields are counted from the last parenthesis.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        // The first one here is the third of proc(5).
        let field = |number: usize| fields.get(number - 3)?.parse::<i64>().ok();
        let seconds = |ticks: i64| ticks as f64 / clock_ticks_per_second() as f64;
        Some(Self {
            cpu_seconds: seconds(field(14)? + field(15)?),
            threads: field(20)?,
            started: seconds(field(22)?),
            virtual_bytes: field(23)?,
            resident_bytes: field(24)?.saturating_mul(i64::try_from(page_size()).ok()?),
        })
    }
}

/// When the machine started, in Unix seconds.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}

/// The number of open file descriptors. Since Linux 6.2 it is the folder's size; before, that size
/// is 0 and the entries are counted, which takes milliseconds with ten thousand clients.
fn open_files() -> Option<i64> {
    let folder = "/proc/self/fd";
    let size = fs::metadata(folder).ok()?.len();
    // One of the entries is the descriptor of the folder itself.
    let counted = || Some(fs::read_dir(folder).ok()?.count().saturating_sub(1) as u64);
    let open = if size > 0 { size } else { counted()? };
    Some(i64::try_from(open).unwrap_or(i64::MAX))
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut put = |name: &str, help: &str, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        if let Some(stat) = Stat::read() {
            put(
                "process_cpu_seconds",
                "CPU time, user and system",
                &ConstCounter::new(stat.cpu_seconds),
            )?;
            put(
                "process_resident_memory_bytes",
                "Memory in RAM",
                &ConstGauge::new(stat.resident_bytes),
            )?;
            put(
                "process_virtual_memory_bytes",
                "Memory that is mapped",
                &ConstGauge::new(stat.virtual_bytes),
            )?;
            put(
                "process_threads",
                "Threads of the process",
                &ConstGauge::new(stat.threads),
            )?;
            if let Some(boot) = boot_time() {
                let start = ConstGauge::new(boot + stat.started);
                put(
                    "process_start_time_seconds",
                    "When the process started, in seconds of Unix",
                    &start,
                )?;
            }
        }
        if let Some(open) = open_files() {
            put(
                "process_open_fds",
                "Open file descriptors",
                &ConstGauge::new(open),
            )?;
        }
        // No limit is exported as the highest one.
        let limit = getrlimit(Resource::Nofile)
            .current
            .and_then(|limit| i64::try_from(limit).ok())
            .unwrap_or(i64::MAX);
        put(
            "process_max_fds",
            "File descriptors that may be open",
            &ConstGauge::new(limit),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_open_files_is_the_number_of_entries_in_the_folder() {
        let listed = || i64::try_from(fs::read_dir("/proc/self/fd").unwrap().count()).unwrap() - 1;
        // Other tests open and close files at the same time.
        let near = (0..1000).any(|_| open_files() == Some(listed()));
        assert!(near, "{:?} open, {} listed", open_files(), listed());
    }

    #[test]
    fn fields_are_counted_after_a_name_with_any_characters() {
        let fields: Vec<_> = (3..=52).map(|number| number.to_string()).collect();
        let stat = Stat::parse(&format!("7 (a ) b) {}", fields.join(" "))).unwrap();
        assert_eq!((stat.threads, stat.virtual_bytes), (20, 23));
        assert_eq!(
            stat.resident_bytes,
            24 * i64::try_from(page_size()).unwrap()
        );
        let ticks = clock_ticks_per_second() as f64;
        assert!(
            (stat.cpu_seconds - 29.0 / ticks).abs() < 1e-9
                && (stat.started - 22.0 / ticks).abs() < 1e-9
        );
        assert!(Stat::parse("7 (a) 3 4").is_none());
    }
}

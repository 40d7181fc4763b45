//! Free ports, each for one test.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// The range is below the ports that the kernel assigns itself (Linux:
/// `net.ipv4.ip_local_port_range`).
const FIRST: u16 = 10_000;
const COUNT: u16 = 22_000;

/// A port that no process listens on. The function returns no port twice until it has returned all,
/// so a server can bind its port late, and bind it again after a restart.
pub fn free_port() -> u16 {
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
        // Test processes that run at the same time start at different ports.
        let random = RandomState::new().build_hasher().finish() % u64::from(COUNT);
        AtomicU16::new(u16::try_from(random).expect("less than COUNT"))
    });
    loop {
        let step = |last: u16| Some((last + 1) % COUNT);
        let number = NEXT
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
            .expect("the step never fails");
        if TcpListener::bind(("127.0.0.1", FIRST + number)).is_ok() {
            return FIRST + number;
        }
    }
}

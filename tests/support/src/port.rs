//! Ports of a test's own.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that the kernel gives to whoever asks for none, or connects (Linux:
/// `net.ipv4.ip_local_port_range`).
const FIRST: u16 = 10_000;
const COUNT: u16 = 22_000;

/// A port that nobody listens at, and that nobody else is given: neither before a server takes it,
/// nor between its end and its restart. No port is answered twice until all were.
pub fn free_port() -> u16 {
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
        // Another process that runs at the same time begins elsewhere.
        let random = RandomState::new().build_hasher().finish() % u64::from(COUNT);
        AtomicU16::new(u16::try_from(random).expect("less than there are"))
    });
    loop {
        let step = |last: u16| Some((last + 1) % COUNT);
        let number = NEXT
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
            .expect("always a next");
        if TcpListener::bind(("127.0.0.1", FIRST + number)).is_ok() {
            return FIRST + number;
        }
    }
}

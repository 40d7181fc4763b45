//! Both sides of a pseudoterminal: a program writes to one, and a test reads at the other what a
//! terminal would show.

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

pub struct Pseudoterminal {
    master: File,
    pub slave: File,
}

impl Pseudoterminal {
    /// A terminal of so many characters across and lines down.
    pub fn open(columns: u16, lines: u16) -> Self {
        // CLOEXEC: a command that another test starts at this moment must not keep it open.
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a pseudoterminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("a name");
        let slave = open(
            name,
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .expect("its other side");
        let terminal = Self {
            master: File::from(master),
            slave: File::from(slave),
        };
        terminal.resize(columns, lines);
        terminal
    }

    pub fn resize(&self, columns: u16, lines: u16) {
        let size = Winsize {
            ws_row: lines,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.master, size).expect("a size");
    }

    /// The program's side, as one of its standard streams.
    pub fn side(&self) -> Stdio {
        self.slave.try_clone().expect("another handle").into()
    }

    /// Hands on what is written, from a thread of its own, until nobody has the program's side open
    /// any more, or `take` says that nobody reads on.
    pub fn read(&self, mut take: impl FnMut(Vec<u8>) -> bool + Send + 'static) {
        let mut master = self.master.try_clone().expect("another handle");
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = master.read(&mut bytes) {
                if !take(bytes[..read].to_vec()) {
                    return;
                }
            }
        });
    }
}

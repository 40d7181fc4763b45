//! A pseudoterminal: the program writes to the slave side, and the test reads the output from the
//! master side.

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
        .expect("the slave side");
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

    /// The slave side, as a standard stream of the program.
    pub fn side(&self) -> Stdio {
        self.slave.try_clone().expect("another handle").into()
    }

    /// Passes the output to `take`, on a new thread, until the slave side is closed or `take`
    /// returns false.
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

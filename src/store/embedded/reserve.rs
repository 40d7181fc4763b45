//! Room kept back for deletes. The store's file is copy-on-write, so a delete needs pages too, and on a full disk it would
//! find none.
//!
//! While the reserve is held, everything is taken. When the disk is full it is given back for deletes to use, and saves
//! are refused until somebody makes room and it can be held again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::tables::is_full_disk;

/// The file's name inside the store's folder.
const NAME: &str = "people.reserve";
/// Bytes that are held.
const SIZE: u64 = 4 << 20;
/// Bytes that must be free beyond these when they are taken: or the next save would fill the disk at once, and the store
/// would go to and fro.
const MARGIN: u64 = 4 << 20;
/// Usual pause between attempts to hold it again.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// What the writer may carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admits {
    /// Saves and deletes.
    Everything,
    /// Deletes, and repeats, whose answers are there already.
    Deletes,
}

/// A part of the disk that can be held and given back.
pub(super) trait Room: Send {
    /// Takes it, unless it is held already.
    fn hold(&self) -> io::Result<()>;
    /// Gives it back, so that the store's file can have it at once.
    fn release(&self) -> io::Result<()>;
}

/// The room, and whether it is held.
pub(super) struct Reserve {
    room: Box<dyn Room>,
    /// Pause between attempts to hold it again; each is made by a write that comes after it.
    retry: Duration,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Held,
    /// The disk is full: what is left of the room is for deletes.
    Spent {
        again: Instant,
    },
    /// It cannot be held for another reason, which is none to refuse a save.
    Unusable {
        again: Instant,
    },
}

impl Reserve {
    /// Holds the room, if it can be held.
    pub(super) fn new(room: impl Room + 'static, retry: Duration) -> Self {
        let mut reserve = Self { room: Box::new(room), retry, state: State::Held };
        reserve.hold();
        reserve
    }

    /// What may be written now. Where the room is not held, tries to hold it again, once in a while.
    pub(super) fn admits(&mut self) -> Admits {
        if let State::Spent { again } | State::Unusable { again } = self.state
            && again <= Instant::now()
        {
            self.hold();
        }
        match self.state {
            State::Held | State::Unusable { .. } => Admits::Everything,
            State::Spent { .. } => Admits::Deletes,
        }
    }

    /// Gives the room to the deletes: the disk is full.
    pub(super) fn release(&mut self) {
        if let State::Held = self.state {
            match self.room.release() {
                Ok(()) => self.spent(),
                Err(error) => self.unusable(&error),
            }
        }
    }

    fn hold(&mut self) {
        match self.room.hold() {
            Ok(()) => self.held(),
            Err(error) if is_full_disk(error.kind()) => self.spent(),
            Err(error) => self.unusable(&error),
        }
    }

    fn held(&mut self) {
        if !matches!(self.state, State::Held) {
            tracing::info!(bytes = SIZE, "there is room again: saves are taken, and some room is kept for deletes");
        }
        self.state = State::Held;
    }

    fn spent(&mut self) {
        if !matches!(self.state, State::Spent { .. }) {
            let needed = SIZE + MARGIN;
            tracing::error!(needed, "the disk is full: deletes go on, saves are refused until so many bytes are free");
        }
        self.state = State::Spent { again: Instant::now() + self.retry };
    }

    fn unusable(&mut self, error: &io::Error) {
        if !matches!(self.state, State::Unusable { .. }) {
            tracing::warn!(%error, "no room can be kept for deletes: on a full disk they would be refused, too");
        }
        self.state = State::Unusable { again: Instant::now() + self.retry };
    }
}

/// A file beside the store's. It has its name only when all of it is on the disk, so a file of this name is room held.
pub(super) struct ReserveFile {
    path: PathBuf,
}

impl ReserveFile {
    pub(super) fn new(directory: &Path) -> Self {
        Self { path: directory.join(NAME) }
    }
}

impl Room for ReserveFile {
    fn hold(&self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|found| found.is_file() && found.len() == SIZE) {
            return Ok(());
        }
        let draft = self.path.with_extension("reserve.new");
        let made = fill(&draft).and_then(|()| fs::rename(&draft, &self.path));
        // What was taken of a disk that has not enough is the deletes'.
        made.inspect_err(|_| drop(fs::remove_file(&draft)))
    }

    /// Cut before it is removed, and the cut synced: some file systems give blocks back only then, and a backup that has
    /// the file open would keep them.
    fn release(&self) -> io::Result<()> {
        let opened = File::options().write(true).open(&self.path);
        let cut = opened.and_then(|file| file.set_len(0).and_then(|()| file.sync_all()));
        match cut.and_then(|()| fs::remove_file(&self.path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            released => released,
        }
    }
}

/// Writes a file of [`SIZE`], where [`MARGIN`] more fits. It is of random bytes, because a file system may keep others
/// in less room than they will need.
fn fill(draft: &Path) -> io::Result<()> {
    let mut file = File::create(draft)?;
    let mut bytes = vec![0; 1 << 16];
    for _ in 0..(SIZE + MARGIN) / (1 << 16) {
        rand::fill(&mut bytes[..]);
        file.write_all(&bytes)?;
    }
    file.set_len(SIZE)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn what_is_held_is_on_the_disk_and_released_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        // Of another release, or cut by a failure of the machine.
        fs::write(&path, "short").unwrap();
        let room = ReserveFile::new(folder.path());
        room.hold().unwrap();
        let held = fs::metadata(&path).unwrap();
        assert_eq!(held.len(), SIZE);
        assert!(held.blocks() * 512 >= SIZE, "{} blocks", held.blocks());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "and nothing else");
        room.hold().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().ino(), held.ino(), "it is not written again");
        room.release().unwrap();
        room.release().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn where_it_cannot_be_written_everything_is_admitted_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::new(ReserveFile::new(&folder.path().join("missing")), RETRY);
        assert_eq!(reserve.admits(), Admits::Everything);
        reserve.release();
        assert_eq!(reserve.admits(), Admits::Everything);
    }
}

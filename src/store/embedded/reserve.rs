//! Room kept back for deletes. The store's file is copy-on-write, so a delete needs pages too, and
//! on a full disk it would find none.
//!
//! While the reserve is held, everything is taken. When the disk is full it is given back for
//! deletes to use, and saves are refused until it can be held again: somebody made room, or so much
//! was deleted that compacting the file makes some.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::file;
use super::file::folder::private_file;
use super::tables::is_full_disk;

/// The file's name inside the store's folder.
const NAME: &str = "people.reserve";
/// Bytes that are held.
const SIZE: u64 = 2 << 20;
/// Bytes that must be free beyond these when they are taken: or the next save would fill the disk
/// at once, and the store would go to and fro.
const MARGIN: u64 = 2 << 20;
/// The part of the store's file that has to be deleted before it is compacted.
const WORTH: u64 = 32;
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
    /// Bytes that have to be deleted before it is worth while to compact the file.
    fn worth_compacting(&self) -> i64;
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
    /// Bytes that deletes have freed in the file since the disk was found full, or since it was
    /// compacted.
    freed: i64,
    /// How many of them have it compacted: doubled by each time, because what lies between others
    /// stays where it is.
    enough: i64,
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
        let mut reserve = Self {
            room: Box::new(room),
            retry,
            state: State::Held,
            freed: 0,
            enough: 0,
        };
        reserve.hold();
        reserve
    }

    /// What may be written now. Where the room is not held, tries to hold it again, once in a
    /// while.
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

    /// A commit has freed so many bytes in the file, or used them.
    pub(super) fn freed(&mut self, bytes: i64) {
        self.freed = self.freed.saturating_add(bytes);
    }

    /// Whether what was deleted could be room enough, if it were the disk's.
    pub(super) fn wants_compaction(&self) -> bool {
        matches!(self.state, State::Spent { .. }) && self.freed >= self.enough
    }

    /// The disk has what it could get: either there is room now, or more has to be deleted than
    /// before.
    pub(super) fn compacted(&mut self) {
        self.freed = 0;
        self.enough = self.enough.saturating_mul(2);
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
            tracing::info!(
                bytes = SIZE,
                "there is room again: saves are taken, and some room is kept for deletes"
            );
        }
        self.state = State::Held;
    }

    fn spent(&mut self) {
        if !matches!(self.state, State::Spent { .. }) {
            let needed = SIZE + MARGIN;
            tracing::error!(
                needed,
                "the disk is full: deletes go on, saves are refused until so many bytes are free"
            );
            (self.freed, self.enough) = (0, self.room.worth_compacting());
        }
        self.state = State::Spent {
            again: Instant::now() + self.retry,
        };
    }

    fn unusable(&mut self, error: &io::Error) {
        if !matches!(self.state, State::Unusable { .. }) {
            tracing::warn!(
                %error,
                "no room can be kept for deletes: on a full disk they would be refused, too"
            );
        }
        self.state = State::Unusable {
            again: Instant::now() + self.retry,
        };
    }
}

/// A file beside the store's. It has its name only when all of it is on the disk, so a file of this
/// name is room held.
pub(super) struct ReserveFile {
    path: PathBuf,
    /// The store's file.
    store: PathBuf,
}

impl ReserveFile {
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            path: directory.join(NAME),
            store: directory.join(file::NAME),
        }
    }
}

impl Room for ReserveFile {
    /// What holding it takes; and of a large file a part, because compacting takes as long as the
    /// file is large.
    fn worth_compacting(&self) -> i64 {
        let store = fs::metadata(&self.store).map_or(0, |store| allocated(&store));
        (SIZE + MARGIN).max(store / WORTH).cast_signed()
    }

    fn hold(&self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|found| found.is_file() && found.len() == SIZE) {
            return Ok(());
        }
        let draft = self.path.with_extension("reserve.new");
        let made = fill(&draft).and_then(|()| fs::rename(&draft, &self.path));
        // What was taken of a disk that has not enough is the deletes'.
        made.inspect_err(|_| drop(fs::remove_file(&draft)))
    }

    /// Cut before it is removed, and the cut synced: some file systems give blocks back only then,
    /// and a backup that has the file open would keep them.
    fn release(&self) -> io::Result<()> {
        let opened = File::options().write(true).open(&self.path);
        let cut = opened.and_then(|file| file.set_len(0).and_then(|()| file.sync_all()));
        match cut.and_then(|()| fs::remove_file(&self.path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            released => released,
        }
    }
}

/// Bytes that a file takes of the disk. Where the system doesn't tell, its length: that is at least
/// as much.
fn allocated(file: &fs::Metadata) -> u64 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::blocks(file) * 512;
    #[cfg(not(unix))]
    file.len()
}

/// Writes a file of [`SIZE`], where [`MARGIN`] more fits. It is of random bytes, because a file
/// system may keep others in less room than they will need.
fn fill(draft: &Path) -> io::Result<()> {
    let mut file = private_file(draft)?;
    file.set_len(0)?;
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
    use std::os::unix::fs::MetadataExt as _;

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
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "and nothing else"
        );
        room.hold().unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().ino(),
            held.ino(),
            "it is not written again"
        );
        room.release().unwrap();
        room.release().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn of_a_large_file_more_has_to_be_deleted_before_it_is_compacted() {
        let folder = tempfile::tempdir().unwrap();
        let room = ReserveFile::new(folder.path());
        let usual = (SIZE + MARGIN).cast_signed();
        assert_eq!(room.worth_compacting(), usual);
        let mut bytes = vec![0; 8 << 20];
        rand::fill(&mut bytes[..]);
        fs::write(folder.path().join(file::NAME), vec![bytes; 20].concat()).unwrap();
        assert!(room.worth_compacting() > usual);
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

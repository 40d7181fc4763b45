//! A reserve of disk space for deletes. The store's file is copy-on-write, so a delete needs pages
//! too, and finds none on a full disk.
//!
//! While the reserve is held, saves and deletes are admitted. When the disk is full, the reserve is
//! released for deletes, and saves are refused until it can be held again: an operator made room,
//! or enough was deleted for a compaction to make some.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::file;
use super::file::folder::private_file;
use super::tables::is_full_disk;

/// The file's name inside the store's folder.
const NAME: &str = "people.reserve";
/// Bytes of the reserve.
const SIZE: u64 = 2 << 20;
/// Bytes that must be free beside the reserve when it is taken. Without them the next save would
/// fill the disk at once, and the reserve would be released again.
const MARGIN: u64 = 2 << 20;
/// The divisor of the file's size: that part of it must be deleted before a compaction.
const WORTH: u64 = 32;
/// The usual pause between attempts to hold the reserve again.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// What the writer carries out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Saves and deletes.
    Everything,
    /// Deletes, and repeats, whose answers exist already.
    Deletes,
}

/// Disk space that can be held and released.
pub(super) trait Room: Send {
    /// Bytes that must be deleted before a compaction is worth while.
    fn worth_compacting(&self) -> i64;
    /// Takes the space, unless it is held already.
    fn hold(&self) -> io::Result<()>;
    /// Releases the space, so that the store's file can use it at once.
    fn release(&self) -> io::Result<()>;
}

/// The reserve, and whether it is held.
pub(super) struct Reserve {
    room: Box<dyn Room>,
    /// Pause between attempts to hold it again. The next write after a pause makes the attempt.
    retry: Duration,
    state: ReserveState,
    /// Bytes that deletes have freed in the file since the disk became full, or since the last
    /// compaction.
    freed: i64,
    /// Freed bytes that cause a compaction. Doubled by each one, because pages between others are
    /// not returned.
    enough: i64,
}

#[derive(Clone, Copy)]
enum ReserveState {
    Held,
    /// The disk is full: the remaining space is for deletes.
    Spent {
        again: Instant,
    },
    /// It cannot be held for another reason, so no save is refused.
    Unusable {
        again: Instant,
    },
}

impl Reserve {
    /// Holds the space, if that is possible.
    pub(super) fn new(room: impl Room + 'static, retry: Duration) -> Self {
        let mut reserve = Self {
            room: Box::new(room),
            retry,
            state: ReserveState::Held,
            freed: 0,
            enough: 0,
        };
        reserve.hold();
        reserve
    }

    /// What the writer carries out now. Tries to hold the space again after each pause.
    pub(super) fn admits(&mut self) -> Admission {
        if let ReserveState::Spent { again } | ReserveState::Unusable { again } = self.state
            && again <= Instant::now()
        {
            self.hold();
        }
        match self.state {
            ReserveState::Held | ReserveState::Unusable { .. } => Admission::Everything,
            ReserveState::Spent { .. } => Admission::Deletes,
        }
    }

    /// Releases the space for deletes: the disk is full.
    pub(super) fn release(&mut self) {
        if let ReserveState::Held = self.state {
            match self.room.release() {
                Ok(()) => self.spent(),
                Err(error) => self.unusable(&error),
            }
        }
    }

    /// Notes how many bytes a commit freed in the file; a negative number means that it used them.
    pub(super) fn freed(&mut self, bytes: i64) {
        self.freed = self.freed.saturating_add(bytes);
    }

    /// Whether a compaction could return enough bytes to the disk.
    pub(super) fn wants_compaction(&self) -> bool {
        matches!(self.state, ReserveState::Spent { .. }) && self.freed >= self.enough
    }

    /// Notes a compaction. If the disk is still full, the next one needs more deletes.
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
        if !matches!(self.state, ReserveState::Held) {
            tracing::info!(
                bytes = SIZE,
                "there is room again: saves are taken, and some room is kept for deletes"
            );
        }
        self.state = ReserveState::Held;
    }

    fn spent(&mut self) {
        if !matches!(self.state, ReserveState::Spent { .. }) {
            let needed = SIZE + MARGIN;
            tracing::error!(
                needed,
                "the disk is full: deletes go on, saves are refused until so many bytes are free"
            );
            (self.freed, self.enough) = (0, self.room.worth_compacting());
        }
        self.state = ReserveState::Spent {
            again: Instant::now() + self.retry,
        };
    }

    fn unusable(&mut self, error: &io::Error) {
        if !matches!(self.state, ReserveState::Unusable { .. }) {
            tracing::warn!(
                %error,
                "no room can be kept for deletes: on a full disk they would be refused, too"
            );
        }
        self.state = ReserveState::Unusable {
            again: Instant::now() + self.retry,
        };
    }
}

/// A file beside the store's. It gets its name when all of it is on the disk, so a file of this
/// name is a held reserve.
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
    /// As many bytes as the reserve needs, and a part of a large file: the time of a compaction
    /// grows with the file.
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
        // The bytes of a failed attempt are for the deletes.
        made.inspect_err(|_| drop(fs::remove_file(&draft)))
    }

    /// Truncates the file and syncs it before its removal: some file systems return blocks only
    /// then, and a backup that has the file open would keep them.
    fn release(&self) -> io::Result<()> {
        let opened = File::options().write(true).open(&self.path);
        let cut = opened.and_then(|file| file.set_len(0).and_then(|()| file.sync_all()));
        match cut.and_then(|()| fs::remove_file(&self.path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            released => released,
        }
    }
}

/// Bytes of the disk that a file uses. If the system does not report them, the file's length, which
/// is no less.
fn allocated(file: &fs::Metadata) -> u64 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::blocks(file) * 512;
    #[cfg(not(unix))]
    file.len()
}

/// Writes a file of [`SIZE`], if [`MARGIN`] more fits. Its bytes are random, because a file system
/// may compress others.
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
    fn a_held_reserve_is_on_the_disk_and_a_released_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        // A file of another release, or one that a failure of the machine cut.
        fs::write(&path, "short").unwrap();
        let room = ReserveFile::new(folder.path());
        room.hold().unwrap();
        let held = fs::metadata(&path).unwrap();
        assert_eq!(held.len(), SIZE);
        assert!(held.blocks() * 512 >= SIZE, "{} blocks", held.blocks());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "the reserve is the only file"
        );
        room.hold().unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().ino(),
            held.ino(),
            "the reserve is not written again"
        );
        room.release().unwrap();
        room.release().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_large_file_needs_more_deletes_before_a_compaction() {
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
    fn a_reserve_that_cannot_be_written_admits_everything() {
        let folder = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::new(ReserveFile::new(&folder.path().join("missing")), RETRY);
        assert_eq!(reserve.admits(), Admission::Everything);
        reserve.release();
        assert_eq!(reserve.admits(), Admission::Everything);
    }
}

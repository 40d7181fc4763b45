//! The file: made whole or not at all, opened only when it is ours, of this layout and of this many
//! partitions.

pub(super) mod folder;
pub(super) mod marker;

use std::fs::{self, File};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use redb::{Builder, Database, DatabaseError, ReadableDatabase, TableError};

use super::tables::{
    self, EXPIRIES, Failure, HEADS, Head, KEYS, LAYOUT, LOG, PEOPLE, is_full_disk,
};
use crate::domain::{Epoch, Partitions, Position};
use marker::MarkerFile;

/// The file's name inside the store's folder.
pub(super) const NAME: &str = "people.redb";
/// The layout that this program reads and writes.
const LAYOUT_VERSION: u64 = 1;

/// Why the store in a folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// One process at a time.
    #[error("another process has {} open: stop it, or choose another folder", .0.display())]
    Locked(PathBuf),
    /// Written by another version of this program, or by another program.
    #[error(
        "{} has the layout {found}, and this program reads the layout {LAYOUT_VERSION}",
        path.display()
    )]
    Layout {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        found: String,
    },
    /// The number of partitions is fixed when the file is made.
    #[error(
        "{} was made with {found} partitions, and {asked} are configured: set store.partitions to \
         {found}",
        path.display()
    )]
    Partitions {
        /// The file.
        path: PathBuf,
        /// What it was made with.
        found: u64,
        /// What the settings ask for.
        asked: u16,
    },
    /// It was damaged, or is no database of ours.
    #[error("{} cannot be read as the store's file: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The folder or the file cannot be read or written.
    #[error("{} cannot be opened: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl OpenError {
    /// Whether there is too little room on the disk.
    pub(super) fn is_full_disk(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_full_disk(source.kind()))
    }
}

/// The file, and the heads that stand in it.
pub(super) type Opened = (Database, Vec<Head>);

/// Where the store's file is and how it is opened.
#[derive(Clone, Debug)]
pub(super) struct Location {
    path: PathBuf,
    partitions: Partitions,
    cache_bytes: usize,
}

impl Location {
    pub(super) fn new(directory: &Path, partitions: Partitions, cache_bytes: usize) -> Self {
        Self {
            path: directory.join(NAME),
            partitions,
            cache_bytes,
        }
    }

    /// Opens the file, and makes it first where there is none.
    pub(super) fn open_or_create(&self) -> Result<Opened, OpenError> {
        let directory = self.directory();
        folder::make_private(directory).map_err(io(directory))?;
        if !self.path.try_exists().map_err(io(&self.path))? {
            MarkerFile::new(directory).remove().map_err(io(directory))?;
            self.create(directory)?;
        }
        self.open()
    }

    fn directory(&self) -> &Path {
        self.path
            .parent()
            .expect("the path was joined from a folder and a name")
    }

    /// Opens the file that is there, repairing it after a crash. Its checksums are all read first:
    /// a file that was cut or overwritten is refused in words, and never half used.
    pub(super) fn open(&self) -> Result<Opened, OpenError> {
        let opened = self
            .builder()
            .set_check_integrity_on_open(true)
            .open(&self.path);
        let database = opened.map_err(|error| self.refused(error))?;
        self.check_layout(&database)?;
        let heads =
            tables::heads(&database, self.partitions).map_err(|failure| self.failed(&failure))?;
        Ok((database, heads))
    }

    /// Makes the file under another name and links it into place: a crash midway leaves no half a
    /// store behind, and of two processes that do this at once, one wins and both open its file.
    fn create(&self, directory: &Path) -> Result<(), OpenError> {
        let draft = self
            .path
            .with_extension(format!("{:x}.new", rand::random::<u64>()));
        let made = self
            .make(&draft)
            .and_then(|()| match fs::hard_link(&draft, &self.path) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                    Err(io(&self.path)(error))
                }
                _ => Ok(()),
            });
        let removed = fs::remove_file(&draft).map_err(io(&draft));
        made.and(removed)?;
        // A file is durable once the folder that names it is.
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(io(directory))
    }

    fn make(&self, draft: &Path) -> Result<(), OpenError> {
        folder::private_file(draft).map_err(io(draft))?;
        let database = self
            .builder()
            .create(draft)
            .map_err(|error| self.refused(error))?;
        write_genesis(&database, self.partitions).map_err(|failure| self.failed(&failure))?;
        database.close().map_err(|error| self.refused(error))
    }

    fn builder(&self) -> Builder {
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache_bytes);
        builder
    }

    fn check_layout(&self, database: &Database) -> Result<(), OpenError> {
        let transaction = database
            .begin_read()
            .map_err(|error| self.failed(&error.into()))?;
        let layout = match transaction.open_table(LAYOUT) {
            Ok(layout) => layout,
            Err(TableError::Storage(error)) => return Err(self.failed(&error.into())),
            Err(_) => return Err(self.layout("of another program")),
        };
        let number = |key| -> Result<Option<u64>, OpenError> {
            let row = layout
                .get(key)
                .map_err(|error| self.failed(&error.into()))?;
            Ok(row.map(|value| value.value()))
        };
        match number("version")? {
            Some(LAYOUT_VERSION) => {}
            Some(other) => return Err(self.layout(&other.to_string())),
            None => return Err(self.layout("without a number")),
        }
        let found =
            number("partitions")?.ok_or_else(|| self.layout("without a number of partitions"))?;
        if found != u64::from(self.partitions.get()) {
            return Err(OpenError::Partitions {
                path: self.path.clone(),
                found,
                asked: self.partitions.get(),
            });
        }
        Ok(())
    }

    fn layout(&self, found: &str) -> OpenError {
        OpenError::Layout {
            path: self.path.clone(),
            found: found.to_owned(),
        }
    }

    fn refused(&self, error: DatabaseError) -> OpenError {
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                OpenError::Locked(self.path.clone())
            }
            error => self.failed(&Failure::from(error)),
        }
    }

    /// What a failure of the file means for opening it.
    pub(super) fn failed(&self, failure: &Failure) -> OpenError {
        let path = self.path.clone();
        if let Failure::File(error) = failure
            && let redb::Error::Io(io) = &**error
            && io.kind() != std::io::ErrorKind::InvalidData
        {
            let source = std::io::Error::new(io.kind(), io.to_string());
            return OpenError::Io { path, source };
        }
        OpenError::Damaged {
            path,
            detail: failure.to_string(),
        }
    }
}

/// Layout, tables, and the start of every partition's epoch, in one transaction.
pub(super) fn write_genesis(database: &Database, partitions: Partitions) -> Result<(), Failure> {
    let transaction = database.begin_write()?;
    {
        let mut layout = transaction.open_table(LAYOUT)?;
        layout.insert("version", LAYOUT_VERSION)?;
        layout.insert("partitions", u64::from(partitions.get()))?;
        let mut heads = transaction.open_table(HEADS)?;
        for partition in partitions.iter() {
            let epoch = Epoch::new(rand::random::<NonZeroU64>().get());
            heads.insert(
                partition.get(),
                Position::start_of(epoch).to_string().as_str(),
            )?;
        }
        transaction.open_table(PEOPLE)?;
        transaction.open_table(LOG)?;
        transaction.open_table(KEYS)?;
        transaction.open_table(EXPIRIES)?;
    }
    Ok(transaction.commit()?)
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> OpenError {
    |source| OpenError::Io {
        path: path.to_owned(),
        source,
    }
}

//! The store's file. It is created whole or not at all, and opened only if it has this layout and
//! this number of partitions.

pub(super) mod folder;
mod header;
pub(super) mod marker;

use std::fs::{self, File};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use people_core::sabotage::{Sabotage, planted};
use redb::{Builder, Database, DatabaseError, ReadableDatabase, TableError};

use super::tables::{
    self, EXPIRIES, FileFailure, HEADS, KEYS, LAYOUT, LOG, LogHead, PEOPLE, is_full_disk,
};
use crate::domain::{Epoch, Partitions, Position};
use header::HeaderCopy;
use marker::MarkerFile;

/// The file's name inside the store's folder.
pub(super) const NAME: &str = "people.redb";
/// The version of the layout that this program reads and writes.
const LAYOUT_VERSION: u64 = 1;

/// Why the file cannot be opened. The text names no cause;
/// [`ErrorChain`](crate::telemetry::ErrorChain) shows both.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Another process has it open.
    #[error("another process has {} open: stop it, or choose another folder", .0.display())]
    Locked(PathBuf),
    /// Another version of this program wrote it, or another program.
    #[error(
        "{} has the layout {found}, and this program reads the layout {LAYOUT_VERSION}",
        path.display()
    )]
    Layout {
        /// The file.
        path: PathBuf,
        /// The layout that it names.
        found: String,
    },
    /// The settings name another number of partitions than the file was created with.
    #[error(
        "{} was made with {found} partitions, and {asked} are configured: set store.partitions to \
         {found}",
        path.display()
    )]
    Partitions {
        /// The file.
        path: PathBuf,
        /// The number that it was created with.
        found: u64,
        /// The number in the settings.
        asked: u16,
    },
    /// It is damaged, or no database of ours.
    #[error("{} cannot be read as the store's file", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The folder or the file cannot be read or written.
    #[error("{} cannot be opened", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        source: Arc<std::io::Error>,
    },
}

impl FileError {
    /// Whether the file itself is the reason: it is damaged, or ends early.
    fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::UnexpectedEof,
            Self::Locked(_) | Self::Layout { .. } | Self::Partitions { .. } => false,
        }
    }

    /// Whether the disk is full.
    pub(super) fn is_full_disk(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_full_disk(source.kind()))
    }
}

/// The open file, and the heads in it.
pub(super) type OpenFile = (Database, Vec<LogHead>);

/// The path of the file, and the settings with which it is opened.
#[derive(Clone, Debug)]
pub(super) struct FileLocation {
    path: PathBuf,
    partitions: Partitions,
    cache_bytes: usize,
}

impl FileLocation {
    pub(super) fn new(directory: &Path, partitions: Partitions, cache_bytes: usize) -> Self {
        Self {
            path: directory.join(NAME),
            partitions,
            cache_bytes,
        }
    }

    /// Opens the file, and first creates it if it is missing.
    pub(super) fn open_or_create(&self) -> Result<OpenFile, FileError> {
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

    /// Opens an existing file, and repairs it after a crash. All checksums are compared first, so a
    /// file that was cut or overwritten is refused, never half used, and stays as it is.
    pub(super) fn open(&self) -> Result<OpenFile, FileError> {
        // Where it cannot be read, the file cannot be opened either.
        let header = HeaderCopy::read(&self.path).ok();
        let opened = self
            .builder()
            .set_check_integrity_on_open(!planted(Sabotage::DamagedFileServed))
            .open(&self.path);
        let database = match opened.map_err(|error| self.refused(error)) {
            Ok(database) => database,
            Err(refused) => {
                if let (true, Some(header)) = (refused.is_damage(), header) {
                    let restored = header.restore(&self.path);
                    restored.unwrap_or_else(|error| {
                        tracing::warn!(%error, "the header of the refused file has changed");
                    });
                }
                return Err(refused);
            }
        };
        self.check_layout(&database)?;
        let heads =
            tables::heads(&database, self.partitions).map_err(|failure| self.failed(failure))?;
        Ok((database, heads))
    }

    /// Creates the file under another name, and links it to its own: a crash leaves no half store
    /// behind, and of two processes that create it at once, one wins and both open its file.
    fn create(&self, directory: &Path) -> Result<(), FileError> {
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
        // The file is durable once its folder is.
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(io(directory))
    }

    fn make(&self, draft: &Path) -> Result<(), FileError> {
        folder::private_file(draft).map_err(io(draft))?;
        let database = self
            .builder()
            .create(draft)
            .map_err(|error| self.refused(error))?;
        write_genesis(&database, self.partitions).map_err(|failure| self.failed(failure))?;
        database.close().map_err(|error| self.refused(error))
    }

    fn builder(&self) -> Builder {
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache_bytes);
        builder
    }

    fn check_layout(&self, database: &Database) -> Result<(), FileError> {
        let transaction = database
            .begin_read()
            .map_err(|error| self.failed(error.into()))?;
        let layout = match transaction.open_table(LAYOUT) {
            Ok(layout) => layout,
            Err(TableError::Storage(error)) => return Err(self.failed(error.into())),
            Err(_) => return Err(self.layout("of another program")),
        };
        let number = |key| -> Result<Option<u64>, FileError> {
            let row = layout.get(key).map_err(|error| self.failed(error.into()))?;
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
            return Err(FileError::Partitions {
                path: self.path.clone(),
                found,
                asked: self.partitions.get(),
            });
        }
        Ok(())
    }

    fn layout(&self, found: &str) -> FileError {
        FileError::Layout {
            path: self.path.clone(),
            found: found.to_owned(),
        }
    }

    fn refused(&self, error: DatabaseError) -> FileError {
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                FileError::Locked(self.path.clone())
            }
            error => self.failed(FileFailure::from(error)),
        }
    }

    /// The error of a failure while the file is opened.
    pub(super) fn failed(&self, failure: FileFailure) -> FileError {
        let path = self.path.clone();
        match failure {
            FileFailure::Io(source) if source.kind() != std::io::ErrorKind::InvalidData => {
                FileError::Io { path, source }
            }
            failure => FileError::Damaged {
                path,
                source: failure.into(),
            },
        }
    }
}

/// Writes the layout, the tables, and the start of every partition's epoch, in one transaction.
pub(super) fn write_genesis(
    database: &Database,
    partitions: Partitions,
) -> Result<(), FileFailure> {
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

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> FileError {
    |source| FileError::Io {
        path: path.to_owned(),
        source: source.into(),
    }
}

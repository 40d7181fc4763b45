//! The header of the store's file. Opening marks it as in use before it compares the checksums of
//! what follows, so a file that is refused would not stay as it is.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// Bytes of the header (redb's `design.md`).
const BYTES: u64 = 320;

/// The header and the length as they were before the file was opened.
pub(super) struct HeaderCopy {
    bytes: Vec<u8>,
    length: u64,
}

impl HeaderCopy {
    /// Reads it; it is shorter where the file is.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut bytes = Vec::new();
        file.take(BYTES).read_to_end(&mut bytes)?;
        Ok(Self { bytes, length })
    }

    /// Writes it back where it has changed, and cuts off what opening appended. Nobody uses the
    /// file: it is damaged, and whoever opens it is refused.
    pub(super) fn restore(&self, path: &Path) -> io::Result<()> {
        let now = Self::read(path)?;
        if now.bytes == self.bytes && now.length <= self.length {
            return Ok(());
        }
        let mut file = File::options().write(true).open(path)?;
        file.write_all(&self.bytes)?;
        file.set_len(now.length.min(self.length))?;
        file.sync_all()
    }
}

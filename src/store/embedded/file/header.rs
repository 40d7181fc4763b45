//! The header of the store's file. Opening marks it as in use before it compares the checksums of
//! what follows, so a file that is refused would not stay as it is.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// Bytes of the header (redb's `design.md`).
const BYTES: u64 = 320;

/// The header as it was before the file was opened.
pub(super) struct HeaderCopy(Vec<u8>);

impl HeaderCopy {
    /// Reads it; it is shorter where the file is.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        File::open(path)?.take(BYTES).read_to_end(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Writes it back where it has changed. Nobody uses the file: it is damaged, and whoever opens
    /// it is refused.
    pub(super) fn restore(&self, path: &Path) -> io::Result<()> {
        if Self::read(path)?.0 == self.0 {
            return Ok(());
        }
        let mut file = File::options().write(true).open(path)?;
        file.write_all(&self.0)?;
        file.sync_all()
    }
}

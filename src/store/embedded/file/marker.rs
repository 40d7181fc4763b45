//! Where each log stood after the last commit, in a file of its own beside the store's: the storage
//! falls back to the commit before where the last one was damaged, and says nothing.
//!
//! The marker is written after the commit and before its answers, and not synced: after a crash of
//! the process it is as new as the store's file, after one of the machine it may be older. One that
//! is older proves nothing; one that is newer proves a loss.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::folder::private_file;
use crate::domain::{Partition, Position};
use crate::store::embedded::tables::Head;
use crate::telemetry::{DamageAt, Damages};

/// The file's name inside the store's folder.
const NAME: &str = "people.heads";
/// Bytes of one partition's place: the longest position, blanks, and a line's end.
const ROW: usize = 64;

/// The marker, open for as long as the store is.
pub(in crate::store::embedded) struct Marker {
    file: Option<File>,
    /// What stands in it.
    written: Vec<Option<Position>>,
}

/// The marker's file, while nobody has it open.
pub(in crate::store::embedded) struct MarkerFile(PathBuf);

impl MarkerFile {
    pub(in crate::store::embedded) fn new(directory: &Path) -> Self {
        Self(directory.join(NAME))
    }

    /// Forgets what an earlier file of the store held.
    pub(in crate::store::embedded) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Opens it, tells what the store's file has lost since it was written, and brings it up to
    /// date.
    pub(in crate::store::embedded) fn open(&self, heads: &[Head], damages: &Damages) -> Marker {
        let text = fs::read(&self.0).unwrap_or_default();
        let rows = text
            .chunks(ROW)
            .map(|row| std::str::from_utf8(row).ok()?.trim().parse().ok());
        for ((number, head), marked) in (0..).zip(heads).zip(rows) {
            if let Some(detail) = marked.and_then(|marked| lost(head.position, marked)) {
                damages.found(DamageAt::History(Partition::new(number)), &detail);
            }
        }
        let file = private_file(&self.0).inspect_err(|error| {
            tracing::warn!(
                %error,
                "a loss of the last changes could not be noticed at the next start"
            );
        });
        let mut marker = Marker {
            file: file.ok(),
            written: vec![None; heads.len()],
        };
        marker.note(heads);
        marker
    }
}

impl Marker {
    /// One that marks nothing.
    #[cfg(test)]
    pub(in crate::store::embedded) fn none() -> Self {
        Self {
            file: None,
            written: Vec::new(),
        }
    }

    /// Takes note of where the logs stand after a commit.
    pub(in crate::store::embedded) fn note(&mut self, heads: &[Head]) {
        let Some(file) = &mut self.file else { return };
        let written = (0_u64..)
            .zip(heads.iter().zip(&mut self.written))
            .try_for_each(|(number, (head, written))| {
                if *written == Some(head.position) {
                    return Ok(());
                }
                *written = Some(head.position);
                let mut row = format!("{:<63}", head.position.to_string()).into_bytes();
                row.push(b'\n');
                file.seek(SeekFrom::Start(number * ROW as u64))
                    .and_then(|_| file.write_all(&row))
            });
        if let Err(error) = written {
            tracing::warn!(
                %error,
                "a loss of the last changes could not be noticed at the next start"
            );
            self.file = None;
        }
    }
}

/// What was lost, if the store's file is not what it was when the marker was written.
fn lost(head: Position, marked: Position) -> Option<String> {
    let detail = |what: String| {
        Some(format!(
            "{what}: the file stands at {head}, and stood at {marked}"
        ))
    };
    if head.epoch != marked.epoch {
        return detail("its history is another".to_owned());
    }
    match marked.seq.get().checked_sub(head.seq.get()) {
        Some(0) if head.tag != marked.tag => detail("its last change is another".to_owned()),
        Some(0) | None => None,
        Some(1) => detail("its last change is lost".to_owned()),
        Some(changes) => detail(format!("its last {changes} changes are lost")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::DamageLabel;

    fn heads(positions: [&str; 2]) -> Vec<Head> {
        let head = |text: &str| Head {
            position: text.parse().unwrap(),
            oldest: 1,
        };
        positions.map(head).to_vec()
    }

    #[test]
    fn a_file_that_is_older_than_its_marker_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let marker = MarkerFile::new(folder.path());
        let found = |positions| {
            let damages = Damages::default();
            marker.open(&heads(positions), &damages);
            (damages.count(DamageLabel::History), damages.to_string())
        };
        assert_eq!(
            found(["a.0.0", "b.7.ffffffffffffffff"]).0,
            0,
            "there was none"
        );
        assert_eq!(
            found(["a.0.0", "b.7.ffffffffffffffff"]).0,
            0,
            "it is the same"
        );
        assert_eq!(found(["a.1.1", "b.9.2"]).0, 0, "the marker is older");
        let (count, told) = found(["a.1.1", "b.7.3"]);
        assert_eq!(count, 1);
        assert!(
            told.contains("last 2 changes are lost") && told.contains("partition 1"),
            "{told}"
        );
        assert_eq!(
            found(["c.1.1", "b.7.4"]).0,
            2,
            "another epoch, and another tag"
        );
        assert_eq!(found(["c.1.1", "b.7.4"]).0, 0, "it is told once");
        fs::write(folder.path().join(NAME), "garbage").unwrap();
        assert_eq!(found(["c.1.1", "b.7.4"]).0, 0);
    }
}

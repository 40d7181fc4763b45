//! The head of each log after the last commit, in a file of its own. The storage library falls back
//! to the commit before a damaged one without an error; the marker shows that.
//!
//! The marker is written after the commit and before its answers, without a sync. After a crash of
//! the process it is as new as the store's file; after a crash of the machine it may be older. An
//! older marker proves nothing, unless the file has another change at its place; a newer one proves
//! a loss.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::folder::private_file;
use crate::domain::{Partition, Position, Tag};
use crate::store::embedded::tables::LogHead;
use crate::store::{DamageLocation, KnownDamage};

/// The file's name inside the store's folder.
const NAME: &str = "people.heads";
/// Bytes of one partition's row: the longest position, blanks, and a line's end.
const ROW: usize = 64;

/// The marker of an open store.
pub(in crate::store::embedded) struct Marker {
    file: Option<File>,
    /// The rows of the file.
    written: Vec<Option<Position>>,
}

/// The path of the marker.
pub(in crate::store::embedded) struct MarkerFile(PathBuf);

impl MarkerFile {
    pub(in crate::store::embedded) fn new(directory: &Path) -> Self {
        Self(directory.join(NAME))
    }

    /// Removes the marker of an earlier file of the store.
    pub(in crate::store::embedded) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Opens the marker, notes what the store's file has lost since it was written, and updates it.
    /// `tag` is the tag of an entry of the file's logs; none where there is no entry.
    pub(in crate::store::embedded) fn open(
        &self,
        heads: &[LogHead],
        tag: impl Fn(Partition, u64) -> Option<Tag>,
        damage: &KnownDamage,
    ) -> Marker {
        let text = fs::read(&self.0).unwrap_or_default();
        let rows = text
            .chunks(ROW)
            .map(|row| std::str::from_utf8(row).ok()?.trim().parse().ok());
        for ((number, head), marked) in (0..).zip(heads).zip(rows) {
            let partition = Partition::new(number);
            let tag = |marked: Position| tag(partition, marked.seq.get());
            if let Some(detail) = marked.and_then(|marked| lost(head.position, marked, tag)) {
                damage.found(DamageLocation::History(partition), &detail);
            }
        }
        let file = private_file(&self.0).inspect_err(|error| {
            tracing::warn!(
                %error,
                "the next start cannot notice a loss of the last changes"
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
    /// A marker without a file.
    #[cfg(test)]
    pub(in crate::store::embedded) fn none() -> Self {
        Self {
            file: None,
            written: Vec::new(),
        }
    }

    /// Writes the heads after a commit.
    pub(in crate::store::embedded) fn note(&mut self, heads: &[LogHead]) {
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
                "the next start cannot notice a loss of the last changes"
            );
            self.file = None;
        }
    }
}

/// The loss, if the store's file is older than the marker, or of another history. `tag` is that of
/// the file's entry with the seq of a position.
fn lost(head: Position, marked: Position, tag: impl Fn(Position) -> Option<Tag>) -> Option<String> {
    let detail = |what: String| {
        Some(format!(
            "{what}: the file is at {head}, and was at {marked}"
        ))
    };
    if head.epoch != marked.epoch {
        return detail("its history is another".to_owned());
    }
    match marked.seq.get().checked_sub(head.seq.get()) {
        Some(0) if head.tag != marked.tag => detail("its last change is another".to_owned()),
        Some(0) => None,
        None => {
            let is_another = tag(marked).is_some_and(|tag| tag != marked.tag);
            is_another.then(|| detail("its history is another".to_owned()))?
        }
        Some(1) => detail("its last change is lost".to_owned()),
        Some(changes) => detail(format!("its last {changes} changes are lost")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DamageKind;

    fn heads(positions: [&str; 2]) -> Vec<LogHead> {
        let head = |text: &str| LogHead {
            position: text.parse().unwrap(),
            oldest: 1,
        };
        positions.map(head).to_vec()
    }

    #[test]
    fn a_longer_file_of_another_history_is_noted_as_damage() {
        let folder = tempfile::tempdir().unwrap();
        let marker = MarkerFile::new(folder.path());
        let found = |positions, tag: Option<u64>| {
            let damage = KnownDamage::default();
            let tag = |_, seq| tag.filter(|_| seq == 7).map(Tag::new);
            marker.open(&heads(positions), tag, &damage);
            damage.count(DamageKind::History)
        };
        assert_eq!(found(["a.0.0", "b.7.4"], None), 0, "there is no marker");
        assert_eq!(
            found(["a.0.0", "b.9.5"], Some(4)),
            0,
            "it has the marked change"
        );
        assert_eq!(found(["a.0.0", "b.7.4"], None), 1);
        assert_eq!(found(["a.0.0", "b.9.5"], None), 0, "its log begins later");
        assert_eq!(found(["a.0.0", "b.7.4"], None), 1);
        assert_eq!(
            found(["a.0.0", "b.9.5"], Some(6)),
            1,
            "it has another change there"
        );
    }

    #[test]
    fn a_file_that_is_older_than_its_marker_is_noted_as_damage() {
        let folder = tempfile::tempdir().unwrap();
        let marker = MarkerFile::new(folder.path());
        let found = |positions| {
            let damage = KnownDamage::default();
            marker.open(&heads(positions), |_, _| None, &damage);
            (damage.count(DamageKind::History), damage.to_string())
        };
        assert_eq!(
            found(["a.0.0", "b.7.ffffffffffffffff"]).0,
            0,
            "there is no marker"
        );
        assert_eq!(
            found(["a.0.0", "b.7.ffffffffffffffff"]).0,
            0,
            "file and marker are equal"
        );
        assert_eq!(found(["a.1.1", "b.9.2"]).0, 0, "the marker is older");
        let (count, text) = found(["a.1.1", "b.7.3"]);
        assert_eq!(count, 1);
        assert!(
            text.contains("last 2 changes are lost") && text.contains("partition 1"),
            "{text}"
        );
        assert_eq!(
            found(["c.1.1", "b.7.4"]).0,
            2,
            "another epoch, and another tag"
        );
        assert_eq!(found(["c.1.1", "b.7.4"]).0, 0, "the damage is noted once");
        fs::write(folder.path().join(NAME), "garbage").unwrap();
        assert_eq!(found(["c.1.1", "b.7.4"]).0, 0);
    }
}

//! Only their owner may read the store's folder and files: they hold everybody's data.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The first parts of the names of the store's own files.
const OWN: [&str; 2] = ["people.", "auth."];

/// Creates the folder if it is missing, and takes permissions from others. If that fails (another
/// owner), it is logged, and the store opens all the same.
pub(in crate::store::embedded) fn make_private(directory: &Path) -> io::Result<()> {
    make(directory)?;
    if let Err(error) = close(directory) {
        tracing::warn!(
            folder = %directory.display(),
            %error,
            "others may be able to read the store, and that could not be changed"
        );
    }
    Ok(())
}

/// Opens a file that only its owner may read; creates an empty one if it is missing.
pub(in crate::store::embedded) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn make(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(unix)]
fn close(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let closed = |path: &Path, mode: u32| {
        let open = fs::symlink_metadata(path)?.permissions().mode() & 0o077 != 0;
        if open {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
            tracing::info!(
                path = %path.display(),
                "others could read this; now only its owner can"
            );
        }
        Ok::<_, io::Error>(())
    };
    let mut shared = false;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let is_own = entry
            .file_name()
            .to_str()
            .is_some_and(|name| OWN.iter().any(|own| name.starts_with(own)));
        if is_own && entry.file_type()?.is_file() {
            closed(&entry.path(), 0o600)?;
        }
        shared |= !is_own;
    }
    // A folder with other files is shared: its permissions are not ours to change.
    if shared {
        tracing::info!(
            folder = %directory.display(),
            "the folder holds other files too: its permissions stay as they are"
        );
        return Ok(());
    }
    closed(directory, 0o700)
}

#[cfg(not(unix))]
fn close(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn open_to_all(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_the_owner_may_read_new_files_and_files_that_were_open_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        make_private(&deep).unwrap();
        assert_eq!((mode(&deep), mode(deep.parent().unwrap())), (0o700, 0o700));
        private_file(&deep.join("people.redb")).unwrap();
        assert_eq!(mode(&deep.join("people.redb")), 0o600);

        open_to_all(&deep.join("people.redb"), 0o644);
        open_to_all(&deep, 0o755);
        make_private(&deep).unwrap();
        assert_eq!(
            (mode(&deep), mode(&deep.join("people.redb"))),
            (0o700, 0o600)
        );
    }

    #[test]
    fn a_folder_with_other_files_keeps_its_permissions_and_our_files_in_it_do_not() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["people.redb", "notes.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
            open_to_all(&folder.path().join(name), 0o644);
        }
        open_to_all(folder.path(), 0o755);
        make_private(folder.path()).unwrap();
        assert_eq!(mode(folder.path()), 0o755);
        assert_eq!(mode(&folder.path().join("people.redb")), 0o600);
        assert_eq!(mode(&folder.path().join("notes.txt")), 0o644);
    }
}

//! Runs every target with all inputs of its corpus, and with a few that are none of anything.

use std::fs;
use std::path::Path;

use people_fuzz::TARGETS;

#[test]
fn no_input_of_a_corpus_is_a_finding() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in &TARGETS {
        let mut files: Vec<_> = fs::read_dir(root.join(target.name))
            .unwrap_or_else(|error| panic!("the corpus of {}: {error}", target.name))
            .map(|file| file.expect("a file").path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{} has a corpus", target.name);
        for file in files {
            // The name of the file is that of the finding, when the target panics.
            eprintln!("{}", file.display());
            (target.run)(&fs::read(&file).expect("readable"));
        }
    }
}

#[test]
fn no_target_ends_at_what_is_nothing() {
    let deep = "(".repeat(100_000);
    for target in &TARGETS {
        for input in ["".as_bytes(), b"\0", b"\x1e", b"\xff\xfe", deep.as_bytes()] {
            (target.run)(input);
        }
    }
}

#[test]
fn every_corpus_belongs_to_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<_> = fs::read_dir(root.join("corpus"))
        .expect("the corpora")
        .map(|folder| folder.expect("a folder").file_name())
        .collect();
    found.sort();
    let names = TARGETS.map(|target| target.name);
    assert_eq!(found, names);
    for name in names {
        let engine = root.join("fuzz_targets").join(name).with_extension("rs");
        assert!(engine.is_file(), "{}", engine.display());
    }
}

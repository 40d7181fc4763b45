//! The shape of the code, kept by a test: imports run downwards, files stay short and say what they
//! are for.
//!
//! `rules` holds the table of layers and the limits, `paths` finds what a source imports. The
//! planted trees below show that each rule can fail.

#[path = "architecture/paths.rs"]
mod paths;
#[path = "architecture/rules.rs"]
mod rules;

use std::fs;
use std::path::Path;

use rules::{
    anyhow_stays_on_top, folders_stay_small, imports_run_downwards,
    programs_use_the_public_library, sources_are_short_and_introduced,
};

fn assert_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn imports_run_downwards_only() {
    assert_none(imports_run_downwards(root()));
}

#[test]
fn files_are_no_longer_than_a_sitting_and_begin_with_their_purpose() {
    assert_none(sources_are_short_and_introduced(root()));
}

#[test]
fn folders_hold_a_handful_of_files() {
    assert_none(folders_stay_small(root()));
}

#[test]
fn errors_keep_their_type_below_the_command_line() {
    assert_none(anyhow_stays_on_top(root()));
}

#[test]
fn programs_use_what_the_library_offers_everybody() {
    assert_none(programs_use_the_public_library(root()));
}

/// A tree with one source, and what a rule says about it.
fn planted(file: &str, source: &str, rule: fn(&Path) -> Vec<String>) -> Vec<String> {
    let tree = tempfile::tempdir().expect("a folder for the tree");
    let path = tree.path().join(file);
    fs::create_dir_all(path.parent().expect("the file is in a folder"))
        .expect("the tree takes folders");
    fs::write(path, source).expect("the tree takes files");
    rule(tree.path())
}

#[test]
fn an_upward_import_is_reported_however_it_is_written() {
    for source in [
        "use crate::http::Router;",
        "use crate::{domain::Person, http};",
        "use crate::{domain::{LogPosition, Person}, http::{self, Router}};",
        "pub(crate) use crate :: http :: *;",
        "fn f() -> u8 { crate::http::answer() }",
        "fn f(_: &'static str, _: crate::http::Router) {}",
        "fn f() { let _ = (\"a // b\", 'x', '\"'); people_gateway::http::answer(); }",
        "use super::http::Router;",
        "use super::{domain::Person, http::Router};",
        "use ::people_gateway::http;",
        "mod tests { use super::super::http; }",
        "mod a { mod b { fn f() { super::super::super::http::answer() } } }",
        "macro_rules! m { () => { $crate::http::answer() } }",
    ] {
        let problems = planted("src/history.rs", source, imports_run_downwards);
        assert_eq!(
            problems,
            ["src/history.rs:1: history must not import http: imports run downwards only"],
            "{source}"
        );
    }
    let problems = planted(
        "src/history/egress/mod.rs",
        "\nuse super::super::http;",
        imports_run_downwards,
    );
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problems = planted(
        "src/history/egress/socket.rs",
        "use super::super::super::http;",
        imports_run_downwards,
    );
    assert_eq!(problems.len(), 1, "{problems:?}");
}

#[test]
fn a_neighbour_an_unknown_module_and_the_whole_crate_are_reported() {
    for (source, problem) in [
        (
            "use crate::session::Session;",
            "relay must not import session: they are neighbours",
        ),
        (
            "use crate::util::twice;",
            "relay imports util, which is in no layer",
        ),
        (
            "use crate::*;",
            "relay imports the whole crate: name the module",
        ),
        (
            "use super::super::*;",
            "relay imports the whole crate: name the module",
        ),
        (
            "use crate as everything;",
            "relay imports the whole crate: name the module",
        ),
    ] {
        let problems = planted("src/relay/drive.rs", source, imports_run_downwards);
        assert_eq!(
            problems,
            [format!("src/relay/drive.rs:1: {problem}")],
            "{source}"
        );
    }
    let problems = planted(
        "src/util.rs",
        "use crate::domain::LogPosition;",
        imports_run_downwards,
    );
    assert_eq!(problems, ["src/util.rs: util is in no layer"]);
}

#[test]
fn downward_and_own_imports_and_mere_mentions_are_fine() {
    let source = r##"
        // use crate::http::Router;
        /* crate::http /* nested */ crate::http */
        use crate::{domain::{LogPosition, Person}, filter::View, history::ring};
        use super::ring::Ring; use self::ring::Ring;
        pub(crate) struct S; pub(in crate::history) struct T; pub(super) struct U;
        const A: &str = "crate::http \" crate::http"; const B: &str = r#"" crate::http"#;
        const C: &[u8] = b"crate::http";
        mod tests { use super::*; fn f<'a>(c: &'a str) -> char { 'c' } }
        fn f() { let crate_ = my::crate_::http; superb::http(); }
    "##;
    assert_none(planted(
        "src/history/egress.rs",
        source,
        imports_run_downwards,
    ));
    assert_none(planted(
        "src/main.rs",
        "use people_gateway::cli::Cli;",
        imports_run_downwards,
    ));
    assert_none(planted(
        "src/lib.rs",
        "pub mod anything;",
        imports_run_downwards,
    ));
}

#[test]
fn another_crate_is_in_no_layer_but_takes_in_no_source_of_the_library() {
    let file = "crates/people-bench/src/load.rs";
    let source = "use crate::floor::Floor; use people_gateway::domain::LogPosition; \
                  fn f() -> anyhow::Result<()> { Ok(()) }";
    for rule in [
        imports_run_downwards,
        anyhow_stays_on_top,
        programs_use_the_public_library,
    ] {
        assert_none(planted(file, source, rule));
    }
    for source in [
        "#[path = \"../../hub/ring.rs\"] mod ring;",
        "include!(\"../../hub/ring.rs\");",
    ] {
        let problems = planted(file, source, programs_use_the_public_library);
        assert_eq!(
            problems,
            [format!("{file}:1: a crate takes in no source by its path")]
        );
    }
}

#[test]
fn a_long_file_one_without_a_purpose_a_full_folder_and_stray_anyhow_are_reported() {
    let long = format!("//! Long.\n{}", "\n".repeat(400));
    for file in [
        "src/history/mod.rs",
        "tests/it/rest.rs",
        "crates/people-bench/benches/relay.rs",
    ] {
        assert_eq!(
            planted(file, &long, sources_are_short_and_introduced),
            [format!("{file}: 401 lines, 400 at most")]
        );
        let problem = format!("{file}: has no //! at its top that says what it is for");
        assert_eq!(
            planted(file, "use std::io;\n", sources_are_short_and_introduced),
            [problem]
        );
    }
    let tree = tempfile::tempdir().unwrap();
    fs::create_dir_all(tree.path().join("src/history")).unwrap();
    for number in 0..15 {
        fs::write(
            tree.path().join(format!("src/history/f{number}.rs")),
            "//! F.",
        )
        .unwrap();
    }
    assert_eq!(
        folders_stay_small(tree.path()),
        ["src/history: 15 files, 14 at most"]
    );
    let source = "fn f() -> anyhow::Result<()> { Ok(()) }";
    assert_eq!(
        planted("src/history.rs", source, anyhow_stays_on_top).len(),
        1
    );
    assert_none(planted("src/cli/serve.rs", source, anyhow_stays_on_top));
}

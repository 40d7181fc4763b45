//! Each rule on trees with a fault planted: it reports that, and nothing that is fine.

use std::fs;
use std::path::Path;

use super::layers::{folders_have_no_circles, imports_run_downwards};
use super::names::{the_dialect_stays_out, types_have_names_of_their_own};
use super::sabotages::each_sabotage_is_planted_once;
use super::sizes::{
    anyhow_stays_on_top, folders_stay_small, nothing_is_taken_in_by_its_path,
    sources_are_short_and_introduced,
};
use super::walks::walks_are_short_and_lead_somewhere;
use crate::assert_none;
use people_core::sabotage::Sabotage;

/// A tree with one source, and what a rule says about it.
fn planted(file: &str, source: &str, rule: fn(&Path) -> Vec<String>) -> Vec<String> {
    planted_all(&[(file, source)], rule)
}

/// A tree with these sources, and what a rule says about it.
fn planted_all(files: &[(&str, &str)], rule: fn(&Path) -> Vec<String>) -> Vec<String> {
    let tree = tempfile::tempdir().expect("a folder for the tree");
    for (file, source) in files {
        let path = tree.path().join(file);
        fs::create_dir_all(path.parent().expect("the file is in a folder"))
            .expect("the tree takes folders");
        fs::write(path, source).expect("the tree takes files");
    }
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
        nothing_is_taken_in_by_its_path,
    ] {
        assert_none(planted(file, source, rule));
    }
    for source in [
        "#[path = \"../../hub/ring.rs\"] mod ring;",
        "include!(\"../../hub/ring.rs\");",
    ] {
        let problems = planted(file, source, nothing_is_taken_in_by_its_path);
        assert_eq!(
            problems,
            [format!("{file}:1: no source is taken in by its path")]
        );
    }
}

#[test]
fn a_long_file_one_without_a_purpose_a_full_folder_and_stray_anyhow_are_reported() {
    let long = format!("//! Long.\n{}", "\n".repeat(400));
    for file in [
        "src/history/mod.rs",
        "tests/gateway/rest.rs",
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
    for folder in ["src/history", "tests/gateway/views"] {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join(folder)).unwrap();
        for number in 0..11 {
            let file = tree.path().join(format!("{folder}/f{number}.rs"));
            fs::write(file, "//! F.").unwrap();
        }
        assert_eq!(
            folders_stay_small(tree.path()),
            [format!("{folder}: 11 files, 10 at most")]
        );
    }
    let source = "fn f() -> anyhow::Result<()> { Ok(()) }";
    assert_eq!(
        planted("src/history.rs", source, anyhow_stays_on_top).len(),
        1
    );
    assert_none(planted("src/cli/serve.rs", source, anyhow_stays_on_top));
}

#[test]
fn a_heavy_file_and_a_wide_line_are_reported() {
    let heavy = format!("//! Heavy.\n{}", "// 34567890\n".repeat(399));
    let heavy = heavy.replace("34567890", &"x".repeat(40));
    let problems = planted("src/history.rs", &heavy, sources_are_short_and_introduced);
    assert_eq!(
        problems,
        [format!(
            "src/history.rs: {} bytes, 14000 at most",
            heavy.len()
        )]
    );
    let wide = format!("//! Wide.\n// {}\n// {}\n", "é".repeat(97), "é".repeat(98));
    assert_eq!(
        planted("tests/it/rest.rs", &wide, sources_are_short_and_introduced),
        ["tests/it/rest.rs:3: 101 characters wide, 100 at most"]
    );
}

#[test]
fn a_circle_of_files_is_reported_also_through_the_front_page_and_over_folders() {
    let page = (
        "src/history/mod.rs",
        "mod ring; mod event; pub use ring::Ring; pub struct Top;",
    );
    let ring = (
        "src/history/ring.rs",
        "use super::event::Event; pub struct Ring;",
    );
    for event in [
        "use super::ring::Ring;",
        "use super::Ring;",
        "use crate::history::{Ring, Top};",
        "fn f(_: super::Ring) {}",
    ] {
        let problems = planted_all(
            &[page, ring, ("src/history/event.rs", event)],
            folders_have_no_circles,
        );
        assert_eq!(
            problems,
            ["src/history: a circle of event, ring"],
            "{event}"
        );
    }
    let folders = [
        (
            "src/history/ring/deep.rs",
            "use crate::history::event::Event;",
        ),
        ("src/history/event.rs", "use super::ring::deep::Deep;"),
    ];
    assert_eq!(
        planted_all(&folders, folders_have_no_circles),
        ["src/history: a circle of event, ring"]
    );
    let front = [
        (
            "src/history/mod.rs",
            "mod ring; use ring::Ring; pub struct Top;",
        ),
        ("src/history/ring.rs", "use super::Top; pub struct Ring;"),
    ];
    assert_eq!(
        planted_all(&front, folders_have_no_circles),
        ["src/history: a circle of mod, ring"]
    );
}

#[test]
fn what_only_tests_import_and_what_a_front_page_passes_on_is_no_circle() {
    let files = [
        (
            "src/history/mod.rs",
            "mod ring; pub use ring::Ring; pub(crate) struct Top;",
        ),
        (
            "src/history/ring.rs",
            "use super::Top; #[cfg(test)] use super::tests::world; \
             #[cfg(test)] mod tests { use super::super::event::Event; }",
        ),
        (
            "src/history/event.rs",
            "use super::ring::Ring; pub(in crate::history) struct Event;",
        ),
        ("src/history/tests.rs", "use super::ring::Ring;"),
        ("src/filter/index/a.rs", "use super::b::B;"),
        ("src/filter/index/b.rs", "use super::a::A;"),
    ];
    assert_none(planted_all(&files, folders_have_no_circles));
}

#[test]
fn a_name_with_two_meanings_and_the_dialect_are_reported() {
    let files = [
        ("src/history/ring.rs", "pub struct Place; struct Options;"),
        (
            "crates/people-bench/src/load.rs",
            "enum Place {} struct Options; mod m { trait Own {} }",
        ),
        ("src/history/tests.rs", "struct Place;"),
    ];
    assert_eq!(
        planted_all(&files, types_have_names_of_their_own),
        ["Place is defined at src/history/ring.rs:1, crates/people-bench/src/load.rs:1"]
    );
    let source = "//! Ring.\n/// Whoever comes late.\nfn f(outbox: u8) {} // Who knows\n\
                  fn g_seat() {}\nfn who_waits_is_served() {}\n";
    assert_eq!(
        planted("src/history.rs", source, the_dialect_stays_out),
        [
            "src/history.rs:2: begins with \"Whoever\": name the subject first",
            "src/history.rs:3: outbox: say connection",
            "src/history.rs:4: seat: say slot",
            "src/history.rs:5: name the subject first",
        ]
    );
}

#[test]
fn a_long_walk_and_one_that_leads_nowhere_are_reported() {
    let page = "```walk 1\nhistory/ring.rs ·\nhistory/gone.rs\n```\n";
    let files = [
        ("ARCHITECTURE.md", page),
        ("src/history/ring.rs", "//! Ring."),
    ];
    assert_eq!(
        planted_all(&files, walks_are_short_and_lead_somewhere),
        [
            "a walk has 2 files, 1 at most",
            "history/gone.rs is in a walk, and not there",
        ]
    );
    let page = [("ARCHITECTURE.md", "# Architecture\n")];
    assert_eq!(
        planted_all(&page, walks_are_short_and_lead_somewhere),
        ["ARCHITECTURE.md has no walk"]
    );
}

#[test]
fn a_bug_that_is_planted_nowhere_or_twice_is_reported() {
    let calls = |bugs: &[Sabotage]| {
        let calls = bugs
            .iter()
            .map(|bug| format!("a(planted(Sabotage::{bug:?}));"));
        format!(
            "// planted(Sabotage::GapSkipped)\nfn f() {{ {} }}",
            calls.collect::<String>()
        )
    };
    let (first, rest) = Sabotage::ALL.split_first().expect("there are some");
    let (file, all) = ("src/relay/proofs.rs", calls(Sabotage::ALL));
    assert_none(planted(file, &all, each_sabotage_is_planted_once));
    let problems = planted(file, &calls(rest), each_sabotage_is_planted_once);
    assert_eq!(problems, [format!("{first:?} is planted nowhere")]);
    let again = ("crates/people-client/src/view.rs", &*calls(&[*first]));
    let problems = planted_all(&[(file, &all), again], each_sabotage_is_planted_once);
    let places = "src/relay/proofs.rs:2, crates/people-client/src/view.rs:2";
    assert_eq!(problems, [format!("{first:?} is planted at {places}")]);
}

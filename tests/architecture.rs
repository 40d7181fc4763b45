//! The shape of the code, kept by a test: imports run downwards and in no circle, files stay short
//! and say what they are for, a name has one meaning.
//!
//! Each rule takes the root of a tree and returns the problems that it finds. The planted trees
//! below show that each can fail.

mod architecture {
    pub(crate) mod imports;
    pub(crate) mod layers;
    pub(crate) mod names;
    mod planted;
    pub(crate) mod sabotages;
    pub(crate) mod sizes;
    pub(crate) mod source;
    pub(crate) mod walks;
}

use std::path::Path;

use architecture::layers::{folders_have_no_circles, imports_run_downwards};
use architecture::names::{the_dialect_stays_out, types_have_names_of_their_own};
use architecture::sabotages::each_sabotage_is_planted_once;
use architecture::sizes::{
    anyhow_stays_on_top, folders_stay_small, nothing_is_taken_in_by_its_path,
    sources_are_short_and_introduced,
};
use architecture::walks::walks_are_short_and_lead_somewhere;

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
fn files_of_a_folder_import_each_other_in_no_circle() {
    assert_none(folders_have_no_circles(root()));
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
fn sources_are_modules() {
    assert_none(nothing_is_taken_in_by_its_path(root()));
}

#[test]
fn one_thing_is_followed_through_few_files() {
    assert_none(walks_are_short_and_lead_somewhere(root()));
}

#[test]
fn a_type_name_has_one_meaning() {
    assert_none(types_have_names_of_their_own(root()));
}

#[test]
fn the_words_are_those_of_the_field() {
    assert_none(the_dialect_stays_out(root()));
}

#[test]
fn each_planted_bug_stands_at_one_place() {
    assert_none(each_sabotage_is_planted_once(root()));
}

//! The walks of ARCHITECTURE.md: lists of files that a reader opens to follow one thing.

use std::fs;
use std::path::Path;

/// Each walk's files exist, and are no more than it says.
pub(crate) fn walks_are_short_and_lead_somewhere(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("the page is readable");
    let mut problems = Vec::new();
    let mut walks = 0;
    for block in text.split("```walk ").skip(1) {
        walks += 1;
        let (max, rest) = block.split_once('\n').expect("a number, then the files");
        let (files, _) = rest.split_once("```").expect("an end");
        let max: usize = max.parse().expect("a number");
        let files: Vec<&str> = files.split('·').map(str::trim).collect();
        if files.len() > max {
            problems.push(format!("a walk has {} files, {max} at most", files.len()));
        }
        for file in files {
            if !root.join("src").join(file).exists() {
                problems.push(format!("{file} is in a walk, and not there"));
            }
        }
    }
    if walks == 0 {
        problems.push("ARCHITECTURE.md has no walk".to_owned());
    }
    problems
}

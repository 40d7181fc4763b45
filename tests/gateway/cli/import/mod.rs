//! `import` saves the people of files, and reports refused lines by their numbers.

mod files;
mod outage;
mod report;

use std::path::Path;

use serde_json::json;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/people.csv");

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn sums(saved: u64, refused: u64) -> String {
    json!({"saved": saved, "refused": refused, "lines": saved + refused}).to_string() + "\n"
}

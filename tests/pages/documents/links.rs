//! Links between the documents have existing files and headings as targets.

use crate::documents::markdown::{all, read, root};

#[test]
fn every_link_within_the_repository_has_a_target() {
    let mut broken = Vec::new();
    for path in all() {
        for (line, link) in read(&path).links() {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link
                .split_once('#')
                .map_or((link.as_str(), None), |(file, anchor)| (file, Some(anchor)));
            let target = match file {
                "" => path.clone(),
                file => path.parent().expect("a file is in a folder").join(file),
            };
            let exists = root().join(&target).exists()
                && anchor.is_none_or(|anchor| {
                    read(&target).anchors().iter().any(|known| known == anchor)
                });
            if !exists {
                broken.push(format!("{}:{line}: {link}", path.display()));
            }
        }
    }
    assert!(
        broken.is_empty(),
        "links without a target:\n{}",
        broken.join("\n")
    );
}

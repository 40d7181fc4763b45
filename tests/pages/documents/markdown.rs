//! A parser for the Markdown that the documents use: fenced blocks with the comments before them,
//! headings and links.

use std::fs;
use std::path::{Path, PathBuf};

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    /// The line number of the opening fence, from 1.
    pub(crate) line: usize,
    pub(crate) language: String,
    pub(crate) text: String,
    /// The texts of the comments directly before the block.
    pub(crate) notes: Vec<String>,
}

impl Block {
    /// The text after `NAME: ` in a note. Empty if the note has only the name.
    pub(crate) fn note(&self, name: &str) -> Option<&str> {
        self.notes
            .iter()
            .find_map(|note| note.strip_prefix(name))
            .map(|rest| rest.trim_start_matches(':').trim())
    }
}

/// A document of the repository.
pub(crate) struct Document {
    pub(crate) blocks: Vec<Block>,
    /// The lines outside fenced blocks, with their numbers.
    pub(crate) prose: Vec<(usize, String)>,
}

/// The root folder of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown file of the project, as a path from its root.
pub(crate) fn all() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .expect("a name in UTF-8");
            if path.is_dir()
                && !["target", "node_modules"].contains(&name)
                && !name.starts_with('.')
            {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(
                    path.strip_prefix(root())
                        .expect("below the root")
                        .to_owned(),
                );
            }
        }
    }
    found.sort();
    found
}

/// Reads a document by its path from the root.
pub(crate) fn read(path: &Path) -> Document {
    let text = fs::read_to_string(root().join(path)).expect("a document");
    parse(&text)
}

fn parse(text: &str) -> Document {
    let (mut blocks, mut prose, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let mut lines = (1..).zip(text.lines());
    while let Some((line, text)) = lines.next() {
        if let Some(language) = text.strip_prefix("```") {
            let inside: Vec<&str> = lines
                .by_ref()
                .map(|(_, text)| text)
                .take_while(|text| *text != "```")
                .collect();
            let text = inside.join("\n");
            blocks.push(Block {
                line,
                language: language.to_owned(),
                text,
                notes: std::mem::take(&mut notes),
            });
        } else if let Some(note) = text
            .strip_prefix("<!-- ")
            .and_then(|text| text.strip_suffix(" -->"))
        {
            notes.push(note.to_owned());
        } else {
            if !text.trim().is_empty() {
                notes.clear();
            }
            prose.push((line, text.to_owned()));
        }
    }
    Document { blocks, prose }
}

impl Document {
    /// The names that `#NAME` in a link to this document may have: GitHub derives them from the
    /// headings.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for (_, line) in &self.prose {
            let Some(heading) = line.strip_prefix('#') else {
                continue;
            };
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading
                .chars()
                .filter(|each| each.is_alphanumeric() || " -_".contains(*each));
            let anchor: String = kept
                .map(|each| if each == ' ' { '-' } else { each })
                .collect();
            let before = anchors.iter().filter(|other| **other == anchor).count();
            anchors.push(if before == 0 {
                anchor
            } else {
                format!("{anchor}-{before}")
            });
        }
        anchors
    }

    /// The targets of links and pictures, with their line numbers.
    pub(crate) fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (line, text) in &self.prose {
            for (opening, closing) in [("](", ')'), ("src=\"", '"'), ("srcset=\"", '"')] {
                let targets = text
                    .split(opening)
                    .skip(1)
                    .filter_map(|rest| Some(rest.split_once(closing)?.0.to_owned()));
                links.extend(targets.map(|target| (*line, target)));
            }
        }
        links
    }
}

#[test]
fn blocks_are_read_with_the_notes_before_them() {
    let document = parse(
        "# A `b` c\n\n<!-- not run: slow -->\n```sh\na\n\nb\n```\ntext [x](y.md#z)\n<!-- n -->\n\
         more\n```\n```\n",
    );
    let blocks: Vec<_> = document
        .blocks
        .iter()
        .map(|b| (b.line, b.language.as_str(), b.text.as_str()))
        .collect();
    assert_eq!(blocks, [(4, "sh", "a\n\nb"), (12, "", "")]);
    assert_eq!(
        (
            document.blocks[0].note("not run"),
            document.blocks[1].note("n")
        ),
        (Some("slow"), None)
    );
    assert_eq!(
        (document.anchors(), document.links()),
        (vec!["a-b-c".to_owned()], vec![(9, "y.md#z".to_owned())])
    );
}

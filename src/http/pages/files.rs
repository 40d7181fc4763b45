//! The files of the pages by their paths: the tables of `web/console/README.md` and
//! `web/api/README.md`.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::body::Bytes;
use include_dir::{Dir, include_dir};

use super::asset::Asset;
use super::openapi;

static CONSOLE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/web/console");
static API_PAGE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/web/api");
static CLIENT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/clients/js/src");
const CLIENT_INDEX: &[u8] = include_bytes!("../../../clients/js/index.js");
const EXAMPLES: &[u8] = include_bytes!("../../../examples/people.csv");
const ASYNC_API: &[u8] = include_bytes!("../../../docs/asyncapi.yaml");

/// Files of the console that the API page uses as well. They are also at the page's own paths,
/// because the console may be off.
const SHARED: [&str; 5] = [
    "style.css",
    "icon.svg",
    "copy.js",
    "theme.js",
    "vendor/htm-preact.js",
];

/// The file at a path.
pub(super) fn at(path: &str) -> Option<&'static Asset> {
    static FILES: LazyLock<HashMap<String, Asset>> = LazyLock::new(files);
    FILES.get(path)
}

fn files() -> HashMap<String, Asset> {
    let mut files = HashMap::new();
    add_folder(&mut files, &CONSOLE, "/console", "/");
    add_folder(&mut files, &API_PAGE, "/docs", "/docs");
    add_folder(&mut files, &CLIENT, "/console/src", "");
    files.insert(
        "/console/client.js".to_owned(),
        Asset::new(JAVASCRIPT, CLIENT_INDEX.into()),
    );
    files.insert(
        "/console/people.csv".to_owned(),
        Asset::new("text/csv; charset=utf-8", EXAMPLES.into()),
    );
    for name in SHARED {
        let file = CONSOLE
            .get_file(name)
            .expect("the console has the shared files");
        let media = media(name).expect("the shared files have types that are served");
        files.insert(
            format!("/docs/{name}"),
            Asset::new(media, file.contents().into()),
        );
    }
    files.insert(
        "/asyncapi.yaml".to_owned(),
        Asset::new("application/yaml", ASYNC_API.into()),
    );
    files.insert(
        "/openapi.json".to_owned(),
        Asset::new(JSON, Bytes::from(format!("{}\n", openapi::document()))),
    );
    files
}

/// Adds all files of a folder and its subfolders; `index.html` is at the path `page`.
fn add_folder(
    files: &mut HashMap<String, Asset>,
    folder: &'static Dir<'static>,
    path: &str,
    page: &str,
) {
    for inner in folder.dirs() {
        add_folder(files, inner, path, page);
    }
    for file in folder.files() {
        let name = file.path().to_str().expect("our files have names in ASCII");
        let Some(media) = media(name) else { continue };
        let path = if name == "index.html" {
            page.to_owned()
        } else {
            format!("{path}/{name}")
        };
        files.insert(path, Asset::new(media, file.contents().into()));
    }
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";

/// The media type of a file that a page may load; none for a file that is not served.
fn media(name: &str) -> Option<&'static str> {
    let file = name.rsplit('/').next().unwrap_or(name);
    match file.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => Some("text/html; charset=utf-8"),
        Some("js") => Some(JAVASCRIPT),
        Some("css") => Some("text/css; charset=utf-8"),
        Some("svg") => Some("image/svg+xml"),
        None if file.starts_with("LICENSE") => Some("text/plain; charset=utf-8"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_the_files_that_they_load_are_served_and_no_others() {
        for path in [
            "/",
            "/docs",
            "/console/client.js",
            "/console/src/live.js",
            "/console/vendor/LICENSE-preact",
        ] {
            assert!(at(path).is_some(), "{path}");
        }
        for path in [
            "/console/README.md",
            "/docs/README.md",
            "/console/index.html",
            "/console",
            "/Cargo.toml",
            "",
        ] {
            assert!(at(path).is_none(), "{path}");
        }
    }
}

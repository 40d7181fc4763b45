//! The bugs that can be planted: each stands at one place of the sources, so that the list names
//! none that plants nothing.

use std::path::Path;

use people_core::sabotage::Sabotage;

use super::imports::words;
use super::source::{crates, sources};

/// Each bug is planted at one place.
pub(crate) fn each_sabotage_is_planted_once(root: &Path) -> Vec<String> {
    let mut places: Vec<(String, String)> = Vec::new();
    for source in crates(root).iter().flat_map(|one| sources(root, one)) {
        let words = words(&source.text);
        let planted = words.windows(6).filter_map(|six| {
            let [call, open, list, colon, again, bug] = six else {
                return None;
            };
            let call = [call, open, list, colon, again].map(|(word, _)| word.as_str());
            (call == ["planted", "(", "Sabotage", ":", ":"]).then_some(bug)
        });
        places.extend(planted.map(|(bug, line)| (bug.clone(), format!("{}:{line}", source.name))));
    }
    let problem = |sabotage: &Sabotage| {
        let bug = format!("{sabotage:?}");
        let found = places.iter().filter(|(name, _)| *name == bug);
        let found: Vec<_> = found.map(|(_, place)| place.as_str()).collect();
        match &found[..] {
            [_] => None,
            [] => Some(format!("{bug} is planted nowhere")),
            several => Some(format!("{bug} is planted at {}", several.join(", "))),
        }
    };
    Sabotage::ALL.iter().filter_map(problem).collect()
}

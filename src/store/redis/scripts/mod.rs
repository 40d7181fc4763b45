//! The Lua scripts that run inside Redis: compiled in, and called by their SHA-1.

use std::sync::LazyLock;

use ::redis::{Cmd, Pipeline, Script as Hash, cmd, pipe};

use crate::store::RedisCommand;

/// One script.
pub(super) struct Script {
    text: String,
    sha: String,
}

/// All scripts. Each file describes its keys, arguments and answer.
pub(super) struct Scripts {
    pub(super) save: Script,
    /// The text of `save`, with the flag to run when memory is full: it frees some.
    pub(super) delete: Script,
    pub(super) since: Script,
    pub(super) tail: Script,
    pub(super) page: Script,
    pub(super) genesis: Script,
    pub(super) layout: Script,
    pub(super) count: Script,
    pub(super) even: Script,
    // The following are sent as texts: they run once a start, or by hand.
    pub(super) unlock: Script,
    pub(super) permissions: Script,
    pub(super) mend: Script,
}

const APPLY: &str = include_str!("apply.lua");
/// The function that several scripts begin with, and the line that it replaces.
const HEAD: &str = include_str!("head.lua");
const PLACE_OF_HEAD: &str = "-- HEAD --\n";

/// The scripts of this version.
pub(super) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| {
    let body = APPLY
        .strip_prefix("#!lua\n")
        .expect("apply.lua begins with its engine and no flags");
    Scripts {
        save: Script::new(APPLY),
        delete: Script::new(&format!("#!lua flags=allow-oom\n{body}")),
        since: Script::new(include_str!("since.lua")),
        tail: Script::new(include_str!("tail.lua")),
        page: Script::new(include_str!("page.lua")),
        genesis: Script::new(include_str!("genesis.lua")),
        layout: Script::new(include_str!("layout.lua")),
        count: Script::new(include_str!("count.lua")),
        even: Script::new(include_str!("even.lua")),
        unlock: Script::new(include_str!("unlock.lua")),
        permissions: Script::new(include_str!("permissions.lua")),
        mend: Script::new(include_str!("mend.lua")),
    }
});

/// The script that saves, as it is sent to the server; benchmarks measure its cost there.
pub fn save_script() -> &'static str {
    &SCRIPTS.save.text
}

impl Script {
    fn new(file: &str) -> Self {
        let text = file.replace(PLACE_OF_HEAD, HEAD);
        Self {
            sha: Hash::new(&text).get_hash().to_owned(),
            text,
        }
    }

    /// A call of the loaded script. The caller adds the arguments.
    pub(super) fn call(&self, keys: &[&str]) -> Cmd {
        let mut command = cmd("EVALSHA");
        command.arg(&self.sha).arg(keys.len()).arg(keys);
        command
    }

    /// A call that carries the text of the script.
    pub(super) fn call_by_text(&self, keys: &[&str]) -> Cmd {
        let mut command = cmd("EVAL");
        command.arg(&self.text).arg(keys.len()).arg(keys);
        command
    }
}

impl Scripts {
    /// The kind of a call of the script with this SHA-1, for metrics.
    pub(super) fn kind(&self, sha: &[u8]) -> RedisCommand {
        let counted = [
            (&self.save, RedisCommand::Save),
            (&self.delete, RedisCommand::Delete),
            (&self.page, RedisCommand::Page),
            (&self.since, RedisCommand::Since),
            (&self.tail, RedisCommand::Tail),
        ];
        let found = counted
            .into_iter()
            .find(|(script, _)| script.sha.as_bytes() == sha);
        found.map_or(RedisCommand::Other, |(_, kind)| kind)
    }

    /// Loads the scripts into the server, all in one round trip.
    pub(super) fn load(&self) -> Pipeline {
        let mut pipeline = pipe();
        let writing = [
            &self.save,
            &self.delete,
            &self.genesis,
            &self.layout,
            &self.even,
        ];
        let reading = [&self.since, &self.tail, &self.page, &self.count];
        for script in writing.into_iter().chain(reading) {
            pipeline
                .cmd("SCRIPT")
                .arg("LOAD")
                .arg(&script.text)
                .ignore();
        }
        pipeline
    }
}

//! What the program says of itself: `completions` and `man` of this command line, `openapi` of
//! REST.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;
use super::gateway::written;
use crate::http::openapi;

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  people-gateway completions bash \\
      > ~/.local/share/bash-completion/completions/people-gateway
  people-gateway completions zsh > \"${fpath[1]}/_people-gateway\"
  people-gateway completions fish \\
      > ~/.config/fish/completions/people-gateway.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  people-gateway man | man -l -
      the page of the program
  people-gateway man --out ~/.local/share/man/man1
      that and one of each command, for `man people-gateway-import` and so on";

#[derive(Args, Debug)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(super) struct CompletionsFlags {
    /// For which shell
    shell: Shell,
}

#[derive(Args, Debug)]
#[command(after_help = MAN_EXAMPLES)]
pub(super) struct ManFlags {
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn completions(flags: &CompletionsFlags) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(
        flags.shell,
        &mut Cli::command(),
        "people-gateway",
        &mut script,
    );
    print(&script)
}

pub(super) fn man(flags: ManFlags) -> anyhow::Result<()> {
    let Some(folder) = flags.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command())
            .render(&mut page)
            .context("cannot write the page")?;
        return print(&page);
    };
    let shown = folder.display().to_string();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {shown}"))?;
    clap_mangen::generate_to(Cli::command(), &folder)
        .with_context(|| format!("cannot write into {shown}"))
}

/// The description of REST, as a gateway serves it.
pub(super) fn openapi() -> anyhow::Result<()> {
    print(format!("{:#}\n", openapi::document()).as_bytes())
}

fn print(text: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    written(out.write_all(text).and_then(|()| out.flush()))
}

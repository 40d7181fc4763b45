//! Descriptions that the program prints: `completions` and `man` of this command line, `openapi` of
//! REST.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;

use super::terminal::check_output;
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
      all pages, for `man people-gateway-import` and so on";

#[derive(Args, Debug)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(super) struct CompletionsFlags {
    /// The shell
    shell: Shell,
}

#[derive(Args, Debug)]
#[command(after_help = MAN_EXAMPLES)]
pub(super) struct ManFlags {
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints the completions of this program.
pub(super) fn completions(flags: &CompletionsFlags, mut program: Command) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut program, "people-gateway", &mut script);
    print(&script)
}

/// Prints the manual page of this program, or writes the pages of all its commands.
pub(super) fn man(flags: ManFlags, program: Command) -> anyhow::Result<()> {
    let Some(folder) = flags.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(program)
            .render(&mut page)
            .context("cannot write the page")?;
        return print(&page);
    };
    let name = folder.display().to_string();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {name}"))?;
    clap_mangen::generate_to(program, &folder).with_context(|| format!("cannot write into {name}"))
}

/// Prints the description of REST, as a gateway serves it.
pub(super) fn openapi() -> anyhow::Result<()> {
    print(format!("{:#}\n", openapi::document()).as_bytes())
}

fn print(text: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    check_output(out.write_all(text).and_then(|()| out.flush()))
}

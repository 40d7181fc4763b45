//! The documents: the tests run their commands, compare the documented output with the actual
//! output, and check their links.
//!
//! A fenced block `sh` runs as one script, in a terminal, against the document's own gateway. A
//! `text` block after it is the expected output. In a `console` block each line with a `$` is a
//! command, and the lines below it are its expected output. Ids, positions and times may differ,
//! and `…` matches any text. Comments before a block, which readers don't see, are instructions:
//!
//! - `<!-- not run: REASON -->`: the block does not run.
//! - `<!-- file: NAME -->`: writes the block, of any language, to this file in the folder where the
//!   commands run.
//! - `<!-- the file: PATH -->`: the block must equal this file of the repository.
//! - `<!-- in the background: NAME -->`: the script runs while the next blocks run, until a block
//!   `<!-- output of: NAME -->` has its output.
//! - `<!-- the welcome -->`: the block is the expected welcome of the gateway.

mod comparison;
mod gateway;
mod links;
mod markdown;
mod run;
mod terminal;

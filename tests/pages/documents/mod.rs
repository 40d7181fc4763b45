//! The documents: their commands are run, what they show is compared with what comes back, and
//! their links lead somewhere.
//!
//! A fenced block `sh` is run as one script, in a terminal, against a gateway of the document's
//! own; a `text` block behind it is what that shows. In a `console` block each line with a `$` is
//! run, and what stands below it is what it shows. Ids, positions and times may differ, and `…`
//! stands for anything. Comments before a block, which readers don't see, say more:
//!
//! - `<!-- not run: REASON -->`: left out.
//! - `<!-- file: NAME -->`: the block, of any language, is that file in the folder where the
//!   commands are run.
//! - `<!-- the file: PATH -->`: the block is that file of the repository.
//! - `<!-- in the background: NAME -->`: goes on while the next blocks are run, until a block
//!   `<!-- output of: NAME -->` has been shown.
//! - `<!-- the welcome -->`: what the gateway itself printed.

mod gateway;
mod links;
mod markdown;
mod run;
mod shown;
mod terminal;

//! Flags that clap accepts one by one, but that don't fit together.

use clap::Command;
use clap::error::ErrorKind;

/// The flags of a command don't fit together.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub(super) struct FlagConflict {
    /// The command's name.
    pub(super) command: &'static str,
    /// What is wrong, in a sentence.
    pub(super) fault: String,
}

impl FlagConflict {
    /// A conflict of this command's flags.
    pub(super) fn new(command: &'static str, fault: impl Into<String>) -> Self {
        Self {
            command,
            fault: fault.into(),
        }
    }

    /// Exits as clap does, with the fault, the command's usage and code 2.
    pub(super) fn exit(self, mut program: Command) -> ! {
        program.build();
        let command = program
            .find_subcommand_mut(self.command)
            .expect("each conflict names a command of this program");
        command
            .error(ErrorKind::ArgumentConflict, self.fault)
            .exit()
    }
}

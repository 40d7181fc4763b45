//! `keys`: makes private keys, and prints their public halves.

use std::path::PathBuf;

use clap::Subcommand;

use crate::auth::{Algorithm, PrivateKeys};
use crate::cli::terminal::print_text;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeysCommand {
    /// Make a file with a private key, which only its owner can read
    New {
        /// HS256, HS384, HS512, ES256, ES384 or the algorithm of Ed25519 (`EdDSA`)
        #[arg(long, value_name = "ALG", default_value = "ES256", value_parser = algorithm)]
        alg: Algorithm,
        /// The file; an existing one is not replaced
        file: PathBuf,
    },
    /// Print the public keys of such a file, for auth.keys of a gateway
    Public {
        /// The file with the private keys
        file: PathBuf,
    },
}

pub(in crate::cli) fn keys(command: KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::New { alg, file } => Ok(PrivateKeys::fresh(alg)?.write_new(&file)?),
        KeysCommand::Public { file } => {
            let public = PrivateKeys::read(&file)?.public(&file)?;
            print_text(&public)
        }
    }
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::named(name).ok_or_else(|| {
        let known: Vec<_> = Algorithm::ALL.into_iter().map(Algorithm::name).collect();
        format!("there are {}", known.join(", "))
    })
}

//! The token of a client command: from the environment, from a file, or from standard input. It is
//! shown nowhere, and no flag takes it: other users see the arguments of a process.

use std::env::{self, VarError};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use clap::Args;
use people_client::{TokenError, Tokens};

/// The variable with the token, without `--token-file`.
pub(super) const TOKEN_VARIABLE: &str = "PEOPLE_GATEWAY_TOKEN";
/// The longest text with a token, in bytes. A gateway's own limit is lower.
const TEXT_MAX: u64 = 64 * 1024;

#[derive(Args, Debug)]
pub(in crate::cli) struct CredentialFlags {
    #[arg(
        long,
        value_name = "FILE",
        help = "A file with the token, read anew for each connection and call; - is standard input \
                [default: the token in PEOPLE_GATEWAY_TOKEN]"
    )]
    token_file: Option<PathBuf>,
}

/// The source of a command's tokens.
pub(in crate::cli) struct CommandToken {
    origin: TokenOrigin,
    /// The text that was sent last.
    last: Mutex<Option<String>>,
}

enum TokenOrigin {
    /// One token: of the environment, of standard input, or of another pipe.
    Fixed(String),
    /// A file, which others may replace.
    File(PathBuf),
}

impl CredentialFlags {
    /// Whether the token is read from standard input.
    pub(in crate::cli) fn reads_stdin(&self) -> bool {
        self.token_file
            .as_ref()
            .is_some_and(|file| file.as_os_str() == "-")
    }

    /// The source of tokens; `None` without a flag and a variable. Reads standard input, or another
    /// pipe, to its end.
    pub(in crate::cli) fn token(&self) -> anyhow::Result<Option<Arc<CommandToken>>> {
        let origin = match &self.token_file {
            Some(file) => TokenOrigin::of_file(file)?,
            None => match env::var(TOKEN_VARIABLE) {
                Ok(text) if !text.trim().is_empty() => TokenOrigin::Fixed(text.trim().to_owned()),
                Ok(_) | Err(VarError::NotPresent) => return Ok(None),
                // The error of the library would show the value.
                Err(VarError::NotUnicode(_)) => bail!("{TOKEN_VARIABLE} is not UTF-8"),
            },
        };
        Ok(Some(Arc::new(CommandToken {
            origin,
            last: Mutex::new(None),
        })))
    }
}

impl TokenOrigin {
    fn of_file(file: &Path) -> anyhow::Result<Self> {
        if file.as_os_str() == "-" {
            let text = read(io::stdin().lock()).context("no token from standard input")?;
            return Ok(Self::Fixed(text));
        }
        let fault = || format!("no token from {}", file.display());
        if fs::metadata(file).with_context(fault)?.is_file() {
            return Ok(Self::File(file.to_owned()));
        }
        // A pipe has its text once.
        read_file(file).with_context(fault).map(Self::Fixed)
    }
}

impl CommandToken {
    /// Whether the file has another token than the one that was sent last.
    pub(in crate::cli) async fn has_changed(&self) -> bool {
        match self.read().await {
            Ok(text) => self.last().as_ref() != Some(&text),
            Err(_) => false,
        }
    }

    async fn read(&self) -> Result<String, TokenError> {
        let path = match &self.origin {
            TokenOrigin::Fixed(text) => return Ok(text.clone()),
            TokenOrigin::File(path) => path.clone(),
        };
        let name = path.display().to_string();
        // A file of a network may block. The client has a deadline for that.
        let text = tokio::task::spawn_blocking(move || read_file(&path)).await;
        text.map_err(io::Error::other)
            .flatten()
            .map_err(|error| TokenError::Unavailable(format!("{name}: {error}")))
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tokens for CommandToken {
    async fn token(&self) -> Result<String, TokenError> {
        let text = self.read().await?;
        *self.last() = Some(text.clone());
        Ok(text)
    }
}

fn read_file(path: &Path) -> io::Result<String> {
    read(File::open(path)?)
}

/// Reads a token, without the white space around it.
fn read(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(TEXT_MAX + 1).read_to_string(&mut text)?;
    match text.trim() {
        _ if text.len() as u64 > TEXT_MAX => Err(io::Error::other("it is too long for a token")),
        "" => Err(io::Error::other("it is empty")),
        token => Ok(token.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_text_of_bounded_length_without_white_space_around_it() {
        assert_eq!(read(&b" a.b.c\r\n"[..]).unwrap(), "a.b.c");
        let long = vec![b'a'; usize::try_from(TEXT_MAX).unwrap() + 1];
        for text in [&b""[..], b"\n", &long, b"\xFF"] {
            assert!(read(text).is_err());
        }
    }

    #[tokio::test]
    async fn a_file_is_read_anew_and_changes_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let flags = CredentialFlags {
            token_file: Some(file.clone()),
        };
        let fault = flags.token().err().expect("the file is not there");
        assert!(format!("{fault:#}").starts_with(&format!("no token from {}: ", file.display())));
        fs::write(&file, "a\n").unwrap();
        let source = flags.token().unwrap().unwrap();
        assert_eq!(source.token().await.unwrap(), "a");
        assert!(!source.has_changed().await);
        fs::write(&file, "b\n").unwrap();
        assert!(source.has_changed().await);
        assert_eq!(source.token().await.unwrap(), "b");
        assert!(!source.has_changed().await);
        fs::remove_file(&file).unwrap();
        assert!(!source.has_changed().await);
        assert!(matches!(
            source.token().await,
            Err(TokenError::Unavailable(_))
        ));
    }
}

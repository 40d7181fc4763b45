//! The gateway that a client command calls: its address, the token, repeats after outages, and
//! errors with advice.

mod advice;
mod credential;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use people_client::Trust;
use people_client::rest::{BaseUrl, Patience, Rest, RestError, Retry};

use super::terminal::note;
pub(super) use advice::{
    NO_GATEWAY_ADVICE, filter_fault, token_fault, with_advice, with_filter_mark, with_tls_advice,
};
pub(super) use credential::{CommandToken, CredentialFlags};

/// The variable with the gateway's address, without `--url`.
pub(super) const URL_VARIABLE: &str = "PEOPLE_GATEWAY_URL";
/// The variable with the file of `--ca`.
const CA_VARIABLE: &str = "PEOPLE_GATEWAY_CA";
/// The default address of a gateway.
pub(super) const URL: &str = "http://127.0.0.1:8080";

#[derive(Args, Debug)]
pub(super) struct GatewayFlags {
    /// The gateway's address, http:// or https://
    #[arg(
        long,
        value_name = "URL",
        env = URL_VARIABLE,
        hide_env_values = true,
        default_value = URL
    )]
    url: BaseUrl,
    #[command(flatten)]
    trust: TrustFlags,
    #[command(flatten)]
    credential: CredentialFlags,
    /// How long to wait for a gateway that went away, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    patience: u64,
}

#[derive(Args, Debug)]
pub(super) struct TrustFlags {
    /// Trust these authorities too: certificates in PEM, for a gateway with TLS
    #[arg(long, value_name = "FILE", env = CA_VARIABLE, hide_env_values = true)]
    ca: Option<PathBuf>,
}

/// A client of a gateway that repeats calls after outages.
pub(super) struct GatewayClient {
    pub(super) rest: Rest,
    retry: Retry,
    token: Option<Arc<CommandToken>>,
    /// Whether a token was replaced after its refusal, and the new one is not accepted yet.
    has_replaced_token: bool,
    note: Box<dyn Fn(&str)>,
}

impl GatewayFlags {
    pub(super) fn client(&self) -> anyhow::Result<GatewayClient> {
        let token = self.credential.token()?;
        let mut rest = Rest::new(self.url.clone(), &self.trust.trust()?).map_err(with_advice)?;
        if let Some(token) = &token {
            rest = rest.with_token(Arc::clone(token));
        }
        Ok(GatewayClient {
            rest,
            retry: Retry::new(Patience(Duration::from_secs(self.patience))),
            token,
            has_replaced_token: false,
            note: Box::new(note),
        })
    }

    /// Whether the token is read from standard input.
    pub(super) fn reads_stdin(&self) -> bool {
        self.credential.reads_stdin()
    }
}

fn seconds(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| "expected a whole number of seconds, such as 60".to_owned())
}

impl TrustFlags {
    /// The machine's authorities, and those of the flag.
    pub(super) fn trust(&self) -> anyhow::Result<Trust> {
        let Some(file) = &self.ca else {
            return Ok(Trust::default());
        };
        let fault = || format!("cannot use the certificates of {}", file.display());
        let pem = std::fs::read(file).with_context(fault)?;
        Trust::default().and_pem(&pem).with_context(fault)
    }
}

impl GatewayClient {
    /// Replaces the output of notes about outages, which is standard error by default.
    pub(super) fn note_with(&mut self, note: impl Fn(&str) + 'static) {
        self.note = Box::new(note);
    }

    /// Records a successful call, which ends an outage.
    pub(super) fn succeeded(&mut self) {
        self.retry.succeeded();
        self.has_replaced_token = false;
    }

    /// Makes a call, and repeats it after an outage. The call must be idempotent.
    pub(super) async fn call<T>(
        &mut self,
        call: impl AsyncFn(&Rest) -> Result<T, RestError>,
    ) -> Result<T, RestError> {
        loop {
            match call(&self.rest).await {
                Ok(answer) => {
                    self.succeeded();
                    return Ok(answer);
                }
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    /// Waits before the next attempt, with a note. Returns the error if there must be none. After a
    /// 401 there is one, at once, if the file has another token meanwhile.
    pub(super) async fn wait_after(&mut self, error: RestError) -> Result<(), RestError> {
        if error.status() == Some(401) {
            return match &self.token {
                Some(token) if !self.has_replaced_token && token.has_changed().await => {
                    self.has_replaced_token = true;
                    Ok(())
                }
                _ => Err(error),
            };
        }
        let Some(pause) = self.retry.after(&error) else {
            return Err(error);
        };
        (self.note)(&format!(
            "{error}; trying again in {:.1} s",
            pause.as_secs_f64()
        ));
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Runs a command's future to its end. Abandons blocked reads and writes.
pub(super) fn run(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(command);
    runtime.shutdown_background();
    ended
}

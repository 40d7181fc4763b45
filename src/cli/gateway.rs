//! The gateway that a client command calls: its address, repeats after outages, and errors with
//! advice.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use people_client::rest::{BaseUrl, Patience, Rest, RestError, Retry};
use people_client::{ProblemDetails, TlsFault, Trust};

use super::terminal::{is_unseen, note, visible};

/// The variable with the gateway's address, without `--url`.
pub(super) const URL_VARIABLE: &str = "PEOPLE_GATEWAY_URL";
/// The variable with the file of `--ca`.
const CA_VARIABLE: &str = "PEOPLE_GATEWAY_CA";
/// The default address of a gateway.
pub(super) const URL: &str = "http://127.0.0.1:8080";

/// The advice if no gateway answers.
pub(super) const NO_GATEWAY_ADVICE: &str = "Is a gateway running there? `people-gateway` starts \
                                            one; --url or PEOPLE_GATEWAY_URL names another.";

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
    note: Box<dyn Fn(&str)>,
}

impl GatewayFlags {
    pub(super) fn client(&self) -> anyhow::Result<GatewayClient> {
        let rest = Rest::new(self.url.clone(), &self.trust.trust()?).map_err(with_advice)?;
        Ok(GatewayClient {
            rest,
            retry: Retry::new(Patience(Duration::from_secs(self.patience))),
            note: Box::new(note),
        })
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

    /// Waits before the next attempt, with a note. Returns the error if there must be none.
    pub(super) async fn wait_after(&mut self, error: RestError) -> Result<(), RestError> {
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

/// An error of a call with advice.
pub(super) fn with_advice(error: RestError) -> anyhow::Error {
    match &error {
        RestError::Unreachable { .. } => {
            anyhow!("{error}. {NO_GATEWAY_ADVICE}")
        }
        RestError::Tls { fault, .. } => with_tls_advice(&error, fault),
        RestError::Refused(refusal) => match &refusal.problem {
            Some(problem) => anyhow!("{}", visible(&problem.words())),
            None => anyhow!("{error}"),
        },
        RestError::Cut { .. } | RestError::NoGateway { .. } => anyhow!("{error}"),
    }
}

/// An error of TLS with advice.
pub(super) fn with_tls_advice(error: &dyn std::error::Error, fault: &TlsFault) -> anyhow::Error {
    let advice = match fault {
        TlsFault::UnknownIssuer => {
            "--ca FILE (or PEOPLE_GATEWAY_CA) adds the certificate of an authority to trust."
        }
        TlsFault::Expired(_) => "Renew it on the server, if the clock here is right.",
        TlsFault::NotYetValid(_) => "Is the clock here right?",
        TlsFault::WrongName { .. } => "Use an address with a name that the certificate has.",
        TlsFault::Authority => {
            "The server needs a certificate of its own, signed by that authority; --ca FILE names \
             the authority here."
        }
        TlsFault::NotTls => "Without TLS, the address begins with http://.",
        TlsFault::NobodyTrusted => {
            "Install them (Debian: ca-certificates), or name one with --ca FILE."
        }
        TlsFault::Other(_) => return anyhow!("{error}"),
    };
    anyhow!("{error}. {advice}")
}

/// As [`with_advice`]. If the filter is at fault, marks the place.
pub(super) fn with_filter_mark(error: RestError, condition: &str) -> anyhow::Error {
    let problem = error.refusal().and_then(|refusal| refusal.problem.as_ref());
    problem
        .and_then(|problem| filter_fault(problem, condition))
        .unwrap_or_else(|| with_advice(error))
}

/// The fault of a filter with a mark under it; `None` if the problem is not about the filter.
pub(super) fn filter_fault(problem: &ProblemDetails, condition: &str) -> Option<anyhow::Error> {
    let offset = problem.offset?;
    // A line break or a tab would move the mark.
    let shown: String = condition
        .chars()
        .map(|c| if is_unseen(c) { ' ' } else { c })
        .collect();
    let after = condition.chars().count().saturating_sub(offset);
    let mark = "^".repeat(problem.length.unwrap_or(1).min(after).max(1));
    let indent = " ".repeat(condition.chars().count() - after);
    Some(anyhow!(
        "the filter is refused: {}\n  {shown}\n  {indent}{mark}",
        visible(&problem.detail)
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(condition: &str, offset: usize, length: usize) -> String {
        let problem =
            json!({"type": "/problems/filter", "detail": "no", "offset": offset, "length": length});
        filter_fault(&serde_json::from_value(problem).unwrap(), condition)
            .unwrap()
            .to_string()
    }

    #[test]
    fn the_fault_of_a_filter_is_marked() {
        assert_eq!(
            shown("job = 1", 4, 1),
            "the filter is refused: no\n  job = 1\n      ^"
        );
        assert_eq!(
            shown("é\n\u{1b}age > x", 9, 1),
            "the filter is refused: no\n  é  age > x\n           ^"
        );
        // At the end, and beyond it, where no server should point.
        assert_eq!(
            shown("age >", 5, 0),
            "the filter is refused: no\n  age >\n       ^"
        );
        assert_eq!(
            shown("age", usize::MAX, usize::MAX),
            "the filter is refused: no\n  age\n     ^"
        );
        assert_eq!(
            shown("age", 1, usize::MAX),
            "the filter is refused: no\n  age\n   ^^"
        );
    }
}

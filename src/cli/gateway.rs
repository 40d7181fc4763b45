//! What the commands that speak to a gateway have in common: its address, patience with it, and its
//! errors in words that say what to do.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use people_client::rest::{BaseUrl, Patience, Rest, RestError, Retry};
use people_client::{Problem, TlsFault, Trust};

use super::shown::{is_unseen, visible, visible_lines};

/// The variable that names the gateway where `--url` doesn't.
pub(super) const URL_VARIABLE: &str = "PEOPLE_GATEWAY_URL";
/// The variable that names the file of `--ca`.
const CA_VARIABLE: &str = "PEOPLE_GATEWAY_CA";
/// Where a gateway listens unless told otherwise.
pub(super) const URL: &str = "http://127.0.0.1:8080";

/// What to do where nobody is.
pub(super) const ABSENT: &str = "Is a gateway running there? `people-gateway` starts one; --url or \
                                 PEOPLE_GATEWAY_URL names another.";

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
    /// Trust these authorities too: certificates in PEM, for a gateway behind TLS
    #[arg(long, value_name = "FILE", env = CA_VARIABLE, hide_env_values = true)]
    ca: Option<PathBuf>,
}

/// A gateway, called again where that makes sense.
pub(super) struct Gateway {
    pub(super) rest: Rest,
    retry: Retry,
    tell: Box<dyn Fn(&str)>,
}

/// Nobody reads what we write any more. That ends a command early, and is no fault.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output")]
pub(super) struct ReaderGone;

impl GatewayFlags {
    pub(super) fn gateway(&self) -> anyhow::Result<Gateway> {
        let rest = Rest::new(self.url.clone(), &self.trust.trust()?).map_err(told)?;
        Ok(Gateway {
            rest,
            retry: Retry::new(Patience(Duration::from_secs(self.patience))),
            tell: Box::new(say),
        })
    }
}

fn seconds(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| "expected a whole number of seconds, such as 60".to_owned())
}

impl TrustFlags {
    /// Whom the machine trusts, and whom the flag names.
    pub(super) fn trust(&self) -> anyhow::Result<Trust> {
        let Some(file) = &self.ca else {
            return Ok(Trust::default());
        };
        let told = || format!("cannot use the certificates of {}", file.display());
        let pem = std::fs::read(file).with_context(told)?;
        Trust::default().and_pem(&pem).with_context(told)
    }
}

impl Gateway {
    /// What is told of outages goes this way, not simply to standard error.
    pub(super) fn tell_by(&mut self, tell: impl Fn(&str) + 'static) {
        self.tell = Box::new(tell);
    }

    /// A call had a good answer, so that an outage begins anew with the next bad one.
    pub(super) fn succeeded(&mut self) {
        self.retry.succeeded();
    }

    /// Makes a call, again after an outage. The same call twice must do the same as once.
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

    /// Waits before the next attempt, and says so; fails where there is to be none.
    pub(super) async fn wait_after(&mut self, error: RestError) -> Result<(), RestError> {
        let Some(pause) = self.retry.after(&error) else {
            return Err(error);
        };
        (self.tell)(&format!(
            "{error}; trying again in {:.1} s",
            pause.as_secs_f64()
        ));
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Runs a command's future to its end. What is stuck in a pipe is left behind.
pub(super) fn run(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(command);
    runtime.shutdown_background();
    ended
}

/// An error with what to do about it.
pub(super) fn told(error: RestError) -> anyhow::Error {
    match &error {
        RestError::Unreachable { .. } => {
            anyhow!("{error}. {ABSENT}")
        }
        RestError::Tls { fault, .. } => with_remedy(&error, fault),
        RestError::Refused(refusal) => match &refusal.problem {
            Some(problem) => anyhow!("{}", visible(&problem.words())),
            None => anyhow!("{error}"),
        },
        RestError::Cut { .. } | RestError::NoGateway { .. } => anyhow!("{error}"),
    }
}

/// An error of TLS with what to do about it.
pub(super) fn with_remedy(error: &dyn std::error::Error, fault: &TlsFault) -> anyhow::Error {
    let remedy = match fault {
        TlsFault::UnknownIssuer => {
            "--ca FILE (or PEOPLE_GATEWAY_CA) names the certificate of one to be trusted."
        }
        TlsFault::Expired(_) => "It must be renewed there, if the clock here is right.",
        TlsFault::NotYetValid(_) => "Is the clock here right?",
        TlsFault::WrongName { .. } => "The address must have a name that the certificate has.",
        TlsFault::Authority => {
            "It needs one of its own, signed by that authority, which --ca FILE names here."
        }
        TlsFault::NotTls => "Without TLS, the address begins with http://.",
        TlsFault::NobodyTrusted => {
            "Install them (Debian: ca-certificates), or name one with --ca FILE."
        }
        TlsFault::Other(_) => return anyhow!("{error}"),
    };
    anyhow!("{error}. {remedy}")
}

/// As [`told`], with a mark under the fault where it is the filter's.
pub(super) fn told_of_filter(error: RestError, condition: &str) -> anyhow::Error {
    let problem = error.refusal().and_then(|refusal| refusal.problem.as_ref());
    problem
        .and_then(|problem| filter_fault(problem, condition))
        .unwrap_or_else(|| told(error))
}

/// The fault of a filter with a mark under it, where the problem is about the filter.
pub(super) fn filter_fault(problem: &Problem, condition: &str) -> Option<anyhow::Error> {
    let offset = problem.offset?;
    // A line break or a tab would shift the mark.
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

/// Tells something on standard error. Where that is closed there is nobody left to tell.
pub(super) fn say(line: &str) {
    say_coloured(&visible_lines(line));
}

/// Tells something that has colours of ours in it, and nothing else that could steer a terminal.
pub(super) fn say_coloured(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// The outcome of writing to standard output.
pub(super) fn written(outcome: io::Result<()>) -> anyhow::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        outcome => outcome.context("cannot write to standard output"),
    }
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
    fn a_faulty_filter_is_marked_where_the_fault_is() {
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

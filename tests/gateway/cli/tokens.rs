//! Commands against a gateway that asks for tokens: where a token comes from, what a refusal says,
//! and that no output has a token.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use people_client::rest::{Rest, RestError};
use people_client::{TokenError, Tokens, Trust};
use people_testing::wait::DEADLINE;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::cli::process::{
    GatewayProcess, embedded, free_port_flags, gateway, run, run_with_input, start_gateway,
};
use crate::cli::script::{Script, answer};

const ID: &str = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
const SAVE: [&str; 11] = [
    "save",
    "--id",
    ID,
    "--first-name",
    "Ada",
    "--last-name",
    "Lovelace",
    "--age",
    "36",
    "--job",
    "M",
];
const TOKEN: &str = "PEOPLE_GATEWAY_TOKEN";
const ADVICE: &str = "PEOPLE_GATEWAY_TOKEN or --token-file; `people-gateway token --sub NAME` \
                      makes one where the gateway has its own key.\n";

type Ended = (i32, String, String);

/// A gateway that asks for tokens, with an embedded store in this folder.
async fn start_guarded(folder: &Path) -> GatewayProcess {
    let flags = free_port_flags(&embedded(folder));
    let mut command = gateway(&flags);
    command.args(["--auth", "jwt"]);
    let serving = start_gateway(command).await;
    serving.wait_ready().await;
    serving
}

/// A token of a role, made with the key of the gateway in this folder.
async fn token(folder: &Path, role: &str) -> String {
    let store = embedded(folder);
    let arguments = ["token", "--sub", "me", "--role", role, "--store", &store];
    let (code, out, errors) = run(gateway(&arguments)).await;
    assert_eq!((code, errors.as_str()), (0, ""));
    out.trim_end().to_owned()
}

/// A command with a token in its environment.
fn with_token(mut command: Command, token: &str) -> Command {
    command.env(TOKEN, token);
    command
}

/// Runs a command with a token in its environment, which no output may have.
async fn run_as(serving: &GatewayProcess, token: &str, arguments: &[&str]) -> Ended {
    let ended = run(with_token(serving.command(arguments), token)).await;
    assert_hidden(&ended, token);
    ended
}

#[track_caller]
fn assert_hidden((_, out, errors): &Ended, token: &str) {
    assert!(
        !out.contains(token) && !errors.contains(token),
        "{out}{errors}"
    );
}

fn refused(reason: &str) -> String {
    let problem = json!({"type": "/problems/token", "reason": reason, "detail": "No."});
    answer("401 Unauthorized", &problem.to_string())
}

/// Runs `watch` until its first message, and stops it: the message, and standard error.
async fn watched(mut command: Command) -> (Value, String) {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let line = timeout(DEADLINE, lines.next_line())
        .await
        .expect("a line in time");
    let line = line.expect("text").expect("a line");
    let id = i32::try_from(child.id().expect("it runs")).expect("a process id");
    kill_process(Pid::from_raw(id).expect("not 0"), Signal::INT).expect("the signal is sent");
    let status = timeout(DEADLINE, child.wait()).await.expect("it ends");
    assert_eq!(status.expect("a status").code(), Some(0));
    let mut errors = String::new();
    let mut stderr = child.stderr.take().expect("piped");
    stderr.read_to_string(&mut errors).await.expect("text");
    (serde_json::from_str(&line).expect("JSON"), errors)
}

#[tokio::test]
async fn commands_work_with_a_token_of_the_environment_or_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_guarded(folder.path()).await;
    let token = token(folder.path(), "writer").await;
    let file = folder.path().join("token");
    fs::write(&file, format!("{token}\n")).unwrap();
    let file = file.to_str().unwrap();
    for flags in [&[][..], &["--token-file", file]] {
        let command = |arguments: &[&str]| {
            let mut command = serving.command(&[arguments, flags].concat());
            // The file comes first.
            command.env(TOKEN, if flags.is_empty() { &token } else { "wrong" });
            command
        };
        let ended = run(command(&SAVE)).await;
        assert_eq!((ended.0, ended.2.as_str()), (0, ""));
        assert_hidden(&ended, &token);
        let (code, person, _) = run(command(&["get", ID])).await;
        assert_eq!((code, person), (0, ended.1));
        let (code, people, _) = run(command(&["export"])).await;
        assert_eq!((code, people.lines().count()), (0, 1));
        let (message, errors) = watched(command(&["watch", "--snapshot"])).await;
        assert_eq!(message["people"][0]["id"], ID);
        assert!(!errors.contains(&token), "{errors}");
        let ended = run(command(&["delete", ID])).await;
        assert_eq!(ended, (0, String::new(), String::new()));
        let (code, sums, _) = run_with_input(command(&["import", "-"]), &people).await;
        let sums: Value = serde_json::from_str(&sums).unwrap();
        assert_eq!((code, &sums["saved"]), (0, &json!(1)));
    }
    let get = serving.command(&["get", ID, "--token-file", "-"]);
    let (code, _, errors) = run_with_input(get, &token).await;
    assert_eq!((code, errors.as_str()), (0, ""));
}

#[tokio::test]
async fn a_reader_reads_and_learns_why_a_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_guarded(folder.path()).await;
    let token = token(folder.path(), "reader").await;
    let (code, people, errors) = run_as(&serving, &token, &["export"]).await;
    assert_eq!((code, people.as_str(), errors.as_str()), (0, "", ""));
    let file = folder.path().join("people.ndjson");
    fs::write(&file, "{}\n").unwrap();
    for arguments in [
        &SAVE[..],
        &["delete", ID],
        &["import", file.to_str().unwrap()],
    ] {
        let (code, _, errors) = run_as(&serving, &token, arguments).await;
        assert_eq!(code, 1);
        assert!(
            errors.contains("The role reader does not allow this: it lacks "),
            "{errors}"
        );
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[tokio::test]
async fn without_a_token_each_command_says_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_guarded(folder.path()).await;
    let file = folder.path().join("people.ndjson");
    fs::write(&file, "{\"firstName\":\"Ada\"}\n").unwrap();
    for arguments in [
        &SAVE[..],
        &["get", ID, ID],
        &["delete", ID, ID],
        &["export"],
        &["watch"],
        &["import", file.to_str().unwrap()],
    ] {
        // An empty variable is as good as none.
        for token in [None, Some("")] {
            let mut command = serving.command(arguments);
            command.envs(token.map(|token| (TOKEN, token)));
            let (code, out, errors) = run(command).await;
            assert_eq!(code, 1, "{arguments:?}");
            assert!(errors.ends_with(&format!(" Set {ADVICE}")), "{errors}");
            assert!(errors.contains("This call needs a token"), "{errors}");
            assert_eq!(errors.lines().count(), 1, "{errors}");
            assert!(out.is_empty() || arguments[0] == "import", "{out}");
        }
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_guarded(folder.path()).await;
    let good = token(folder.path(), "reader").await;
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{signed}.{first}{}", &signature[1..]);
    for (bad, arguments) in [
        ("secret.secret.secret", &["get", ID][..]),
        (&forged, &["get", ID]),
        (&forged, &["watch"]),
    ] {
        let (code, out, errors) = run_as(&serving, bad, arguments).await;
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(
            errors.ends_with(&format!(" Renew the token of {ADVICE}")),
            "{errors}"
        );
    }
    for arguments in [&["get", ID][..], &["watch"]] {
        let (code, _, errors) = run_as(&serving, "secret secret", arguments).await;
        let unsent = "people-gateway: the token cannot be sent: it is empty, or has characters \
                      that no token has\n";
        assert_eq!((code, errors.as_str()), (1, unsent));
    }
    let help = run_as(&serving, "secret", &["get", "--help"]).await;
    assert!(
        help.1.contains("--token-file <FILE>") && help.1.contains(TOKEN),
        "{}",
        help.1
    );
}

#[tokio::test]
async fn a_file_without_a_token_ends_a_command_that_never_had_an_answer() {
    let script = Script::start().await;
    let url = script.url();
    let folder = tempfile::tempdir().unwrap();
    let (missing, empty) = (folder.path().join("missing"), folder.path().join("empty"));
    fs::write(&empty, "\n").unwrap();
    for file in [&missing, &empty] {
        let file = file.to_str().unwrap();
        for command in [&["get", ID][..], &["watch"]] {
            let flags = ["--url", &url, "--token-file", file];
            let (code, out, errors) = run(gateway(&[command, &flags].concat())).await;
            assert_eq!((code, out.as_str()), (1, ""));
            assert!(errors.starts_with("people-gateway: no token") && errors.contains(file));
            assert_eq!(errors.lines().count(), 1, "{errors}");
        }
    }
}

#[tokio::test]
async fn a_file_that_changed_after_a_refusal_is_tried_once_more() {
    let script = Script::start().await;
    let url = script.url();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let command = |arguments: &[&str]| {
        fs::write(&file, "old").unwrap();
        let flags = ["--url", &url, "--token-file", file.to_str().unwrap()];
        run(gateway(&[arguments, &flags].concat()))
    };
    for arguments in [&["get", ID][..], &["watch"]] {
        let replaced = async {
            for token in ["old", "new"] {
                let (mut stream, head, _) = script.request().await;
                let header = format!("authorization: Bearer {token}");
                assert!(head.lines().any(|line| line == header), "{head}");
                fs::write(&file, "new").unwrap();
                stream.write_all(refused("key").as_bytes()).await.unwrap();
            }
        };
        let ((), (code, _, errors)) = tokio::join!(replaced, command(arguments));
        let expected = format!("people-gateway: No. Renew the token of {ADVICE}");
        assert_eq!((code, errors), (1, expected));
        let refused = refused("key");
        let (_, (code, _, _)) = tokio::join!(script.next(&refused), command(arguments));
        assert_eq!(code, 1, "the same token is not sent twice");
    }
}

#[tokio::test]
async fn flags_that_read_standard_input_twice_are_wrong_usage() {
    for arguments in [
        &["save", "--token-file", "-"][..],
        &["import", "-", "--token-file", "-"],
        &["get", ID, "--token", "secret"],
    ] {
        let (code, out, errors) = run(gateway(arguments)).await;
        assert_eq!((code, out.as_str()), (2, ""), "{errors}");
        assert!(errors.starts_with("error: "), "{errors}");
    }
}

/// A source of numbered tokens.
struct Numbered(AtomicUsize);

impl Tokens for Numbered {
    async fn token(&self) -> Result<String, TokenError> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            2 => Err(TokenError::Unavailable("no more".into())),
            number => Ok(format!("token-{number}")),
        }
    }
}

#[tokio::test]
async fn each_call_of_rest_asks_for_a_token() {
    let script = Script::start().await;
    // A user and a password in the address would be a second credential.
    let url = script.url().replace("://", "://me:password@");
    let rest = Rest::new(url.parse().unwrap(), &Trust::default()).unwrap();
    let rest = rest.with_token(Numbered(AtomicUsize::new(0)));
    let id = ID.parse().unwrap();
    for number in 0..2 {
        let answer = answer("200 OK", "{}");
        let ((head, _), person) = tokio::join!(script.next(&answer), rest.get(id));
        let authorizations: Vec<_> = head
            .lines()
            .filter(|line| line.starts_with("authorization: "))
            .collect();
        assert_eq!(
            authorizations,
            [format!("authorization: Bearer token-{number}")]
        );
        assert_eq!(person.as_deref(), Ok("{}"));
    }
    let missing = rest.get(id).await.expect_err("no token");
    assert_eq!(
        missing,
        RestError::NoToken(TokenError::Unavailable("no more".into()))
    );
    assert_eq!(missing.to_string(), "no token: no more");
    assert!(!format!("{rest:?}").contains("token-"), "{rest:?}");
}

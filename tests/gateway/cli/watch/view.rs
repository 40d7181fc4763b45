//! `watch --view` in a pseudoterminal: the table on the screen, and the restored terminal.

use rustix::process::Signal;
use tokio::time::timeout;

use crate::cli::process::{GatewayProcess, start_gateway_in};
use crate::cli::terminal::{FRAME, Terminal, signal};
use people_testing::wait::{DEADLINE, eventually};

const ENTERED: &str = "\u{1b}[?1049h";
const LEFT: &str = "\u{1b}[?1049l";

async fn save(serving: &GatewayProcess, first: &str, age: u8) -> String {
    let age = age.to_string();
    let (code, out, _) = serving
        .run(&[
            "save",
            "--first-name",
            first,
            "--last-name",
            "L",
            "--age",
            &age,
            "--job",
            "Chef",
        ])
        .await;
    assert_eq!(code, 0);
    serde_json::from_str::<serde_json::Value>(&out).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn watch_keeps_a_table_up_to_date_and_restores_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let ada = save(&serving, "Ada", 36).await;
    save(&serving, "Child", 7).await;
    let mut terminal = Terminal::open(60, 10);
    let mut child = terminal.run(&serving, &["watch", "--view", "--where", "age >= 18"]);
    terminal.until(ENTERED).await;
    let lines = terminal
        .frame(|lines| lines[0].starts_with("1 person  age >= 18  live"))
        .await;
    assert_eq!(
        lines[1..],
        ["  name   age  job   attributes", "  Ada L  36   Chef"]
    );
    assert!(!terminal.echoes());
    save(&serving, "Bob", 40).await;
    let lines = terminal
        .frame(|lines| lines[0].starts_with("2 people"))
        .await;
    assert_eq!(lines[2..], ["+ Bob L  40   Chef", "  Ada L  36   Chef"]);
    serving.run(&["delete", &ada]).await;
    let lines = terminal
        .frame(|lines| lines[0].starts_with("1 person"))
        .await;
    assert!(
        lines[2].starts_with("- Ada L"),
        "a removed person stays visible for a moment: {lines:?}"
    );
    terminal
        .frame(|lines| !lines.iter().any(|line| line.contains("Ada")))
        .await;
    for age in 20..40 {
        save(&serving, "Many", age).await;
    }
    terminal.resize(20, 5);
    signal(&child, Signal::WINCH);
    let lines = terminal
        .frame(|lines| lines[0].starts_with("21 people") && lines.len() == 5)
        .await;
    assert_eq!(lines[4], "  and 19 more");
    assert!(
        lines.iter().all(|line| line.chars().count() <= 20),
        "{lines:?}"
    );
    signal(&child, Signal::INT);
    terminal.until(LEFT).await;
    terminal.until("--from 0:").await;
    let code = timeout(DEADLINE, child.wait())
        .await
        .expect("it ends")
        .unwrap()
        .code();
    assert_eq!((code, terminal.echoes()), (Some(0), true));
}

#[tokio::test]
async fn ctrl_z_restores_the_terminal_and_a_resume_shows_the_current_table() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    save(&serving, "Ada", 36).await;
    let mut terminal = Terminal::open(60, 10);
    let child = terminal.run(&serving, &["watch", "--view"]);
    let is_stopped = || {
        let status =
            std::fs::read_to_string(format!("/proc/{}/stat", child.id().unwrap())).unwrap();
        status
            .rsplit(')')
            .next()
            .unwrap()
            .trim_start()
            .starts_with('T')
    };
    terminal
        .frame(|lines| lines[0].starts_with("1 person  everyone  live"))
        .await;
    for people in 2..4 {
        signal(&child, Signal::TSTP);
        let output = terminal.until(LEFT).await;
        assert!(!output.contains(ENTERED), "{output:?}");
        eventually("it is stopped", async || is_stopped()).await;
        assert!(terminal.echoes());
        save(&serving, "Bob", 40).await;
        signal(&child, Signal::CONT);
        terminal.until(ENTERED).await;
        terminal
            .frame(|lines| lines[0].starts_with(&format!("{people} people")))
            .await;
        assert!(!terminal.echoes());
    }
    // Another process may stop the program and change the terminal.
    signal(&child, Signal::STOP);
    eventually("it is stopped", async || is_stopped()).await;
    terminal.echo();
    signal(&child, Signal::CONT);
    eventually("the echo is off again", async || !terminal.echoes()).await;
    let output = terminal.until(FRAME).await;
    assert!(
        output.contains("3 people") && !output.contains(ENTERED),
        "{output:?}"
    );
}

#[tokio::test]
async fn ctrl_z_does_not_stop_a_session_leader_that_no_shell_would_continue() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let mut terminal = Terminal::open(60, 10);
    let watch = serving.command(&["watch", "--view"]);
    let mut command = tokio::process::Command::new("setsid");
    command
        .arg(watch.as_std().get_program())
        .args(watch.as_std().get_args())
        .kill_on_drop(true);
    command.env("PEOPLE_GATEWAY_URL", serving.url());
    let child = terminal.start(command);
    terminal
        .frame(|lines| lines[0].starts_with("0 people  everyone  live"))
        .await;
    signal(&child, Signal::TSTP);
    terminal.until(LEFT).await;
    terminal.until(ENTERED).await;
    save(&serving, "Ada", 36).await;
    terminal
        .frame(|lines| lines[0].starts_with("1 person"))
        .await;
    assert!(!terminal.echoes());
}

#[tokio::test]
async fn a_faulty_filter_is_reported_after_the_terminal_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let mut terminal = Terminal::open(60, 10);
    let mut child = terminal.run(&serving, &["watch", "--view", "--where", "age = 1"]);
    terminal.until(LEFT).await;
    terminal.until("age = 1\r\n      ^").await;
    assert_eq!(
        timeout(DEADLINE, child.wait())
            .await
            .expect("it ends")
            .unwrap()
            .code(),
        Some(1)
    );
}

#[tokio::test]
async fn people_in_a_terminal_are_readable_lines() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let ada = save(&serving, "Ada", 36).await;
    let mut terminal = Terminal::open(100, 10);
    for (arguments, output) in [
        (&["get", &ada][..], "Ada L, 36, Chef\u{1b}[0m\r\n"),
        (&["export"], &format!("{ada}  Ada L, 36, Chef\r\n")),
        (
            &["watch", "--snapshot"],
            &format!("= is    \u{1b}[0m {ada}  Ada L, 36, Chef\r\n"),
        ),
    ] {
        let mut child = terminal.run(&serving, arguments);
        terminal.until(output).await;
        signal(&child, Signal::TERM);
        timeout(DEADLINE, child.wait())
            .await
            .expect("it ends")
            .unwrap();
    }
}

//! Completions, manual pages, and the examples in help.

use clap::CommandFactory as _;

use crate::cli::process::{gateway, run};

const COMMANDS: [&str; 8] = [
    "watch",
    "import",
    "export",
    "save",
    "get",
    "delete",
    "completions",
    "man",
];

#[tokio::test]
async fn each_shell_gets_a_script_with_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, errors) = run(gateway(&["completions", shell])).await;
        assert_eq!((code, errors.as_str()), (0, ""));
        // The generators of two shells omit values.
        let values = if ["elvish", "powershell"].contains(&shell) {
            &[][..]
        } else {
            &["deletes", "ndjson"]
        };
        for word in COMMANDS
            .iter()
            .chain(&["if-match", "columns"])
            .chain(values)
        {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
    assert_eq!(run(gateway(&["completions", "cmd"])).await.0, 2);
}

#[tokio::test]
async fn each_command_has_a_manual_page_without_the_address_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let mut command = gateway(&["man", "--out", pages.to_str().unwrap()]);
    command.env("PEOPLE_GATEWAY_URL", "http://me:hunter2@h");
    assert_eq!(run(command).await, (0, String::new(), String::new()));
    for name in COMMANDS {
        let page = std::fs::read_to_string(pages.join(format!("people-gateway-{name}.1"))).unwrap();
        assert!(
            page.contains(".SH SYNOPSIS") && page.contains("Examples") && !page.contains("hunter2"),
            "{page}"
        );
    }
    let (code, page, _) = run(gateway(&["man"])).await;
    assert_eq!(
        (code, page),
        (
            0,
            std::fs::read_to_string(pages.join("people-gateway.1")).unwrap()
        )
    );
}

#[tokio::test]
async fn help_shows_examples() {
    for name in COMMANDS {
        let (code, help, _) = run(gateway(&[name, "--help"])).await;
        assert_eq!(code, 0);
        assert!(
            help.contains(&format!("Examples:\n  people-gateway {name}")),
            "{help}"
        );
    }
}

/// The width of the narrowest supported terminal, in columns.
const NARROW: usize = 80;

/// clap wraps the paragraphs after a help, so they have no line breaks of their own. The lines of
/// examples must fit.
#[test]
fn help_is_wrapped_once() {
    let command = people_gateway::cli::Cli::command();
    for command in command.get_subcommands() {
        let Some(text) = command.get_after_help() else {
            continue;
        };
        let text = text.to_string();
        let (lines, name) = (text.lines().collect::<Vec<_>>(), command.get_name());
        for pair in lines.windows(2) {
            let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
            assert!(
                !(is_prose(pair[0]) && is_prose(pair[1])),
                "{name}: a line break inside {pair:?}"
            );
        }
        for line in lines.iter().filter(|line| line.starts_with(' ')) {
            assert!(line.chars().count() <= NARROW, "{name}: {line}");
        }
    }
}

#[tokio::test]
async fn errors_list_the_possible_values() {
    for (arguments, words) in [
        (
            &["watch", "--kinds", "some"][..],
            &["all", "saves", "deletes"][..],
        ),
        (&["import", "x", "--format", "xml"], &["csv", "ndjson"]),
        (&["export", "--format", "xml"], &["csv", "ndjson", "plain"]),
        (&["completions", "cmd"], &["bash", "zsh", "fish"]),
        (&["save", "--age", "x"], &["a whole number from 0 to 150"]),
        (&["save", "--age", "151"], &["a whole number from 0 to 150"]),
        (&["save", "--attribute", "city"], &["NAME=VALUE"]),
        (
            &["import", "x", "--encoding", "ebcdic"],
            &["windows-1252", "shift_jis", "utf-16le"],
        ),
        (
            &["import", "x", "--separator", "ab"],
            &["one character", "tab"],
        ),
        (&["import", "x", "--map", "a"], &["COLUMN=FIELD"]),
        (&["import", "x", "--refused-max", "0"], &["1.."]),
        (&["import", "x", "--patience", "long"], &["seconds"]),
        (
            &["export", "--columns", "name"],
            &["firstName", "attributes.NAME"],
        ),
        (&["get", "7"], &["UUID"]),
        (
            &[
                "delete",
                "--if-match",
                "x",
                "0190f3e2-7c1b-7d9a-8f00-1234567890ab",
            ],
            &["3f2a.17.9c1e", "* for any"],
        ),
        (
            &["watch", "--from", "yesterday"],
            &["PARTITION:EPOCH.SEQ.TAG"],
        ),
        (
            &["watch", "--url", "ftp://h"],
            &["http://HOST:PORT", "ws://HOST:PORT"],
        ),
        (
            &["watch", "--url", "localhost:8080"],
            &["http://HOST:PORT", "ws://HOST:PORT"],
        ),
        (
            &["get", "--url", "127.0.0.1:8080", "x"],
            &["http://HOST:PORT"],
        ),
    ] {
        let (code, out, errors) = run(gateway(arguments)).await;
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(
            words.iter().all(|word| errors.contains(word)),
            "{arguments:?}: {errors}"
        );
    }
    assert!(
        output_of(&["watch", "--help"])
            .await
            .contains("[possible values: all, saves, deletes]")
    );
}

async fn output_of(arguments: &[&str]) -> String {
    run(gateway(arguments)).await.1
}

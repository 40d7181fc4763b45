//! What shells and `man` get, and that help shows how each command is used.

use crate::process::{gateway, run};

const COMMANDS: [&str; 8] = ["watch", "import", "export", "save", "get", "delete", "completions", "man"];

#[tokio::test]
async fn each_shell_gets_a_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, errors) = run(gateway(&["completions", shell])).await;
        assert_eq!((code, errors.as_str()), (0, ""));
        for word in COMMANDS.iter().chain(&["if-match", "columns"]) {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    assert_eq!(run(gateway(&["completions", "cmd"])).await.0, 2);
}

#[tokio::test]
async fn there_is_a_manual_page_of_each_command_and_none_tells_where_my_gateway_is() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let mut command = gateway(&["man", "--out", pages.to_str().unwrap()]);
    command.env("PEOPLE_GATEWAY_URL", "http://me:hunter2@h");
    assert_eq!(run(command).await, (0, String::new(), String::new()));
    for name in COMMANDS {
        let page = std::fs::read_to_string(pages.join(format!("people-gateway-{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains("Examples") && !page.contains("hunter2"), "{page}");
    }
    let (code, page, _) = run(gateway(&["man"])).await;
    assert_eq!((code, page), (0, std::fs::read_to_string(pages.join("people-gateway.1")).unwrap()));
}

#[tokio::test]
async fn help_shows_examples() {
    for name in COMMANDS {
        let (code, help, _) = run(gateway(&[name, "--help"])).await;
        assert_eq!(code, 0);
        assert!(help.contains(&format!("Examples:\n  people-gateway {name}")), "{help}");
    }
}

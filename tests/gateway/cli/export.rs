//! `export` writes people unchanged, in a format that `import` reads, and reports incomplete
//! exports.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::time::timeout;

use crate::cli::process::{GatewayProcess, gateway, run, start_gateway_in};
use crate::cli::script::{Script, answer};
use people_testing::wait::DEADLINE;

/// Saves people with texts that are special to CSV and terminals.
async fn save_people(serving: &GatewayProcess) -> Vec<Value> {
    let texts = [
        "plain",
        "a,b;c\td",
        "say \"no\"",
        "two\r\nlines\n",
        " blanks ",
        "\u{1b}[2J",
        "é 😀 東京 \u{202e}",
        "=1+1",
        "'=1+1",
        "-1",
        "\t@x",
        "\rx",
        "' quoted",
        "sep=;",
        "nul \0",
        "\u{feff}mark",
        "{\"a\":1}",
        "\u{85}\u{2028}",
        "007",
        "null",
    ];
    let lines = texts.iter().enumerate().map(|(number, text)| {
        // An empty object differs from a missing one.
        if number == 1 {
            return format!(
                "{}\n",
                json!({
                    "firstName": text, "lastName": text, "age": number, "job": text,
                    "attributes": {},
                })
            );
        }
        let attributes = json!({
            "text": text, "": [1.5, "2", null], "n": u64::MAX, "o": {"a.b": {}}, "quoted": "7",
        });
        let mut person = json!({"firstName": text, "lastName": text, "age": number, "job": ""});
        if number > 0 {
            person["attributes"] = attributes;
        }
        format!("{person}\n")
    });
    let (code, _, errors) = serving
        .run_with_input(&["import", "-"], &lines.collect::<String>())
        .await;
    assert_eq!((code, errors.as_str()), (0, ""));
    serving.people().await
}

#[tokio::test]
async fn exported_people_are_imported_unchanged() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let from = start_gateway_in(folders[0].path()).await;
    let to = start_gateway_in(folders[1].path()).await;
    let people = save_people(&from).await;
    for (export_flags, import_flags) in [
        (&["--format", "ndjson"][..], &[][..]),
        (&["--format", "csv"], &[]),
        (&["--format", "csv", "--bom", "--separator", ";"], &[]),
        (&["--format", "csv", "--separator", "tab"], &[]),
        (
            &["--format", "csv", "--separator", "|"],
            &["--separator", "|"],
        ),
        (&["--format", "csv", "--plain"], &["--plain"]),
    ] {
        let before = to.people().await;
        let ids = before.iter().map(|person| person["id"].as_str().unwrap());
        to.run(&["delete"].into_iter().chain(ids).collect::<Vec<_>>())
            .await;
        let (code, exported, _) = from.run(&[&["export"], export_flags].concat()).await;
        assert_eq!(code, 0);
        assert_eq!(
            exported.starts_with('\u{feff}'),
            export_flags.contains(&"--bom")
        );
        let (code, _, errors) = to
            .run_with_input(&[&["import", "-"], import_flags].concat(), &exported)
            .await;
        assert_eq!((code, errors.as_str()), (0, ""), "{export_flags:?}");
        assert_eq!(to.people().await, people, "{export_flags:?}");
    }
    let (_, csv, _) = from.run(&["export", "--columns", "firstName"]).await;
    assert!(
        !csv.lines().any(|line| line
            .trim_start_matches('"')
            .starts_with(['=', '+', '-', '@', '\t'])),
        "{csv}"
    );
    let (_, csv, _) = from
        .run(&["export", "--columns", "firstName", "--plain"])
        .await;
    assert!(csv.contains("\n=1+1\n") && csv.contains("\n-1\n"), "{csv}");
}

#[tokio::test]
async fn an_export_has_each_person_once_across_pages_and_obeys_a_filter() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let lines = (0..2500).map(
        |age| json!({"firstName": age.to_string(), "lastName": "L", "age": age % 100, "job": ""}),
    );
    serving
        .run_with_input(
            &["import", "-"],
            &lines
                .map(|person| person.to_string() + "\n")
                .collect::<String>(),
        )
        .await;
    let (code, out, errors) = serving.run(&["export"]).await;
    assert_eq!((code, errors.as_str()), (0, ""));
    let mut names: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["firstName"].clone())
        .collect();
    names.sort_by_key(|name| name.as_str().unwrap().parse::<u32>().unwrap());
    assert_eq!(
        names,
        (0..2500)
            .map(|name| json!(name.to_string()))
            .collect::<Vec<_>>()
    );
    let (code, out, _) = serving
        .run(&[
            "export",
            "--where",
            "age == 7",
            "--columns",
            "age,attributes.none",
            "--separator",
            "tab",
        ])
        .await;
    assert_eq!(
        (code, out),
        (0, format!("age\tattributes.none\n{}", "7\t\n".repeat(25)))
    );
}

#[tokio::test]
async fn faults_of_filters_and_flags_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let (code, out, errors) = serving.run(&["export", "--where", "age = 3"]).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(errors.ends_with("\n  age = 3\n      ^\n"), "{errors}");
    for arguments in [
        &["export", "--columns", "name"][..],
        &["export", "--columns", "id", "--format", "ndjson"],
        &["export", "--bom"],
        &["export", "--plain", "--format", "ndjson"],
    ] {
        let (code, out, errors) = serving.run(arguments).await;
        assert_eq!((code, out.as_str()), (2, ""), "{errors}");
    }
}

#[tokio::test]
async fn an_incomplete_export_is_reported() {
    let id = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
    let line = format!("{{\"id\":\"{id}\"}}\n");
    let script = Script::start().await;
    let url = script.url();
    let server = async {
        let (head, _) = script
            .next(&answer("200 OK\r\nLink: </people>; rel=\"next\"", &line))
            .await;
        assert!(head.starts_with("GET /people?limit=1000 "), "{head}");
        let (head, _) = script
            .next(&answer("404 Not Found", "{\"detail\":\"gone\"}"))
            .await;
        assert!(
            head.starts_with(&format!("GET /people?limit=1000&after={id} ")),
            "{head}"
        );
    };
    let arguments = ["export", "--url", &url];
    let ((), (code, out, errors)) = tokio::join!(server, run(gateway(&arguments)));
    assert_eq!((code, out), (1, line));
    assert_eq!(
        errors,
        "people-gateway: the export is incomplete, it ended after 1 people: gone\n"
    );
}

#[tokio::test]
async fn a_closed_pipe_ends_the_export_without_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let filler = "x".repeat(4000);
    let person = json!({
        "firstName": "A", "lastName": "L", "age": 1, "job": "", "attributes": {"filler": filler},
    });
    serving
        .run_with_input(&["import", "-"], &format!("{person}\n").repeat(100))
        .await;
    let mut child = serving
        .command(&["export"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    timeout(DEADLINE, lines.next_line())
        .await
        .expect("a line in time")
        .unwrap()
        .expect("a line");
    drop(lines);
    let code = timeout(DEADLINE, child.wait())
        .await
        .expect("the export ends")
        .unwrap()
        .code();
    let mut errors = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .await
        .unwrap();
    assert_eq!((code, errors.as_str()), (Some(0), ""));
}

//! The output of an import: sums, refused lines and progress, in a terminal, in a pipe and in a dry
//! run.

use serde_json::{Value, json};
use tokio::time::timeout;

use super::{EXAMPLE, sums, write};
use crate::cli::process::{gateway, run, start_gateway_in};
use crate::cli::terminal::Terminal;
use people_testing::wait::DEADLINE;

#[tokio::test]
async fn a_file_imported_twice_saves_the_same_people() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let arguments = ["import", EXAMPLE, "--list", "tags"];
    assert_eq!(
        serving.run(&arguments).await,
        (0, sums(1000, 0), String::new())
    );
    let first = serving.people().await;
    assert_eq!(first.len(), 1000);
    assert_eq!(
        serving.run(&arguments).await,
        (0, sums(1000, 0), String::new())
    );
    assert_eq!(serving.people().await, first);
    let minh = first
        .iter()
        .find(|person| person["firstName"] == "Minh" && person["lastName"] == "Popescu")
        .unwrap();
    let expected = json!({
        "id": minh["id"], "firstName": "Minh", "lastName": "Popescu", "age": 60, "job": "Chef",
        "attributes": {"city": "Paris", "team": "Moon", "remote": true},
    });
    assert_eq!(minh, &expected);
    assert!(
        first
            .iter()
            .any(|person| person["attributes"]["tags"] == json!(["chess", "knitting", "sailing"]))
    );
    assert!(
        first
            .iter()
            .all(|person| person["id"].as_str().unwrap().as_bytes()[14] == b'8')
    );
}

#[tokio::test]
async fn refused_lines_are_reported_by_number_and_the_others_are_saved() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let text = concat!(
        "firstName,lastName,age,job,city\r\n",
        "Ada,L,36,M,\"a\r\n\r\nb\"\r\n\r\n",
        "Bob,L,old,\"M\r\n\",\r\n",
        "Cy,L,1,a,b,c\r\n",
        ",L,151,M,\r\n",
        "Di,L,1,M,",
    );
    let file = write(folder.path(), "people.csv", text);
    let (code, out, errors) = serving.run(&["import", &file]).await;
    assert_eq!((code, out), (1, sums(2, 3)));
    let errors: Vec<&str> = errors.lines().collect();
    assert_eq!(
        errors[0],
        format!("{file}:6: age: must be an integer from 0 to 150")
    );
    assert_eq!(
        errors[1],
        format!(
            "{file}:8: has 6 cells, but there are 5 headings: put texts with separators in quotes"
        )
    );
    assert!(
        errors[2].starts_with(&format!("{file}:9: age: "))
            && errors[2].contains("firstName: is required"),
        "{errors:?}"
    );
    assert!(
        errors[3].starts_with("people-gateway: ")
            && errors[3].contains("3 of 5 people were refused"),
        "{errors:?}"
    );
    assert_eq!(errors.len(), 4);
    let cities: Vec<Value> = serving
        .people()
        .await
        .iter()
        .map(|person| person["attributes"]["city"].clone())
        .collect();
    assert!(
        cities.contains(&json!("a\r\n\r\nb")) && cities.len() == 2,
        "{cities:?}"
    );
}

#[tokio::test]
async fn an_import_ends_after_too_many_refusals() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let file = write(folder.path(), "people.ndjson", "{}\n".repeat(5000));
    let (code, _, errors) = serving
        .run(&["import", &file, "--refused-max", "700"])
        .await;
    assert_eq!(code, 1);
    let reported = errors
        .lines()
        .filter(|line| line.starts_with(&format!("{file}:")))
        .count();
    assert!((700..5000).contains(&reported), "{reported}");
    assert!(
        errors
            .trim_end()
            .ends_with("lines were refused: the rest was not read"),
        "{}",
        &errors[errors.len() - 200..]
    );
}

#[tokio::test]
async fn a_terminal_shows_progress_and_a_pipe_gets_only_the_sums() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let people = "A,L,1,M\n".repeat(1500);
    let file = write(
        folder.path(),
        "people.csv",
        format!("firstName,lastName,age,job\n{people}X,L,old,M\n"),
    );
    let mut terminal = Terminal::open(100, 10);
    let mut child = terminal.run(&serving, &["import", &file]);
    let bar = terminal.until("1,000 saved, ").await;
    assert!(
        bar.contains('█') && bar.contains(" %  500 saved, "),
        "{bar:?}"
    );
    let rate = terminal.until(" a second, 0 refused").await;
    let rate = rate.trim_end_matches(" a second, 0 refused");
    assert!(rate.parse::<u64>().is_ok_and(|rate| rate > 0), "{rate:?}");
    let refused = format!("{file}:1502: age: must be an integer from 0 to 150\r\n");
    terminal.until(&refused).await;
    // The bar disappears before the sums.
    let last = terminal.until("1,500 saved, 1 refused\r\n").await;
    assert_eq!(
        last.rsplit("\u{1b}[2K").next(),
        Some("1,500 saved, 1 refused\r\n"),
        "{last:?}"
    );
    assert_eq!(
        timeout(DEADLINE, child.wait())
            .await
            .expect("the import ends")
            .unwrap()
            .code(),
        Some(1)
    );
    let (_, out, errors) = serving.run(&["import", &file]).await;
    assert_eq!(
        (out, errors.lines().count()),
        (sums(1500, 1), 2),
        "{errors}"
    );
    assert!(
        !errors.contains("saved") && !errors.contains('█'),
        "{errors}"
    );
}

#[tokio::test]
async fn errors_come_with_advice() {
    let unreachable = ["--url", "http://127.0.0.1:1"];
    let (code, _, errors) = run(gateway(
        &[&["import", EXAMPLE, "--list", "tags"], &unreachable[..]].concat(),
    ))
    .await;
    assert_eq!(code, 1);
    assert!(
        errors.contains("http://127.0.0.1:1") && errors.contains("--url"),
        "{errors}"
    );
    let (code, _, errors) = run(gateway(&["import", "/nowhere/people.csv"])).await;
    assert!(
        code == 1 && errors.contains("/nowhere/people.csv"),
        "{errors}"
    );
    for arguments in [
        &["import"][..],
        &["import", "x", "--url", "ws://127.0.0.1/"],
        &["import", "x", "--map", "firstName"],
        &["import", "x", "--separator", "ab"],
        &["import", "x", "--format", "xml"],
        &["import", "x", "--refused-max", "0"],
    ] {
        let (code, out, errors) = run(gateway(arguments)).await;
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(errors.starts_with("error: "), "{errors}");
    }
}

#[tokio::test]
async fn a_dry_run_shows_the_people_and_needs_no_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(
        folder.path(),
        "people.csv",
        "firstName,lastName,age,job,x\nAda,L,36,M,7\nBob,L,1,M,7,8\n",
    );
    let (code, out, errors) = run(gateway(&["import", &file, "--dry-run", "--text", "x"])).await;
    let person: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &person["attributes"], &person["id"]),
        (
            1,
            &json!({"x": "7"}),
            &json!("3113c110-26ef-8987-b143-d431eb42ae97")
        )
    );
    let errors: Vec<&str> = errors.lines().collect();
    assert!(
        errors[0].starts_with(&format!("{file}:3: has 6 cells")),
        "{errors:?}"
    );
    assert!(
        errors[1].contains("1 of 2 people would be refused"),
        "{errors:?}"
    );
    let pipe = run(gateway(&["import", "/nowhere.csv", "--dry-run"])).await;
    assert!(pipe.0 == 1 && pipe.2.contains("/nowhere.csv"), "{pipe:?}");
}

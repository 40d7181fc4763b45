//! `import`: files as people have them become people, and what can't is told by its line.

use std::path::Path;

use serde_json::{Value, json};

use tokio::time::timeout;

use crate::process::{DEADLINE, gateway, run, serving_in};
use crate::terminal::Terminal;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/people.csv");

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn sums(saved: u64, refused: u64) -> String {
    json!({"saved": saved, "refused": refused, "lines": saved + refused}).to_string() + "\n"
}

#[tokio::test]
async fn a_file_imported_twice_saves_the_same_people() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let arguments = ["import", EXAMPLE, "--list", "tags"];
    assert_eq!(serving.run(&arguments).await, (0, sums(1000, 0), String::new()));
    let first = serving.people().await;
    assert_eq!(first.len(), 1000);
    assert_eq!(serving.run(&arguments).await, (0, sums(1000, 0), String::new()));
    assert_eq!(serving.people().await, first);
    let minh = first.iter().find(|person| person["firstName"] == "Minh" && person["lastName"] == "Popescu").unwrap();
    let expected = json!({
        "id": minh["id"], "firstName": "Minh", "lastName": "Popescu", "age": 60, "job": "Chef",
        "attributes": {"city": "Paris", "team": "Moon", "remote": true},
    });
    assert_eq!(minh, &expected);
    assert!(first.iter().any(|person| person["attributes"]["tags"] == json!(["chess", "knitting", "sailing"])));
    assert!(first.iter().all(|person| person["id"].as_str().unwrap().as_bytes()[14] == b'8'));
}

#[tokio::test]
async fn refused_lines_are_told_with_their_line_in_the_file_and_the_others_are_saved() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let text = "firstName,lastName,age,job,city\r\nAda,L,36,M,\"a\r\n\r\nb\"\r\n\r\nBob,L,old,\"M\r\n\",\r\nCy,L,1,a,b,c\r\n,L,151,M,\r\nDi,L,1,M,";
    let file = write(folder.path(), "people.csv", text);
    let (code, out, errors) = serving.run(&["import", &file]).await;
    assert_eq!((code, out), (1, sums(2, 3)));
    let errors: Vec<&str> = errors.lines().collect();
    assert_eq!(errors[0], format!("{file}:6: age: must be an integer from 0 to 150"));
    assert_eq!(
        errors[1],
        format!("{file}:8: has 6 cells where the headings are 5: put texts with separators in quotes")
    );
    assert!(
        errors[2].starts_with(&format!("{file}:9: age: ")) && errors[2].contains("firstName: is required"),
        "{errors:?}"
    );
    assert!(
        errors[3].starts_with("people-gateway: ") && errors[3].contains("3 of 5 people were refused"),
        "{errors:?}"
    );
    assert_eq!(errors.len(), 4);
    let cities: Vec<Value> = serving.people().await.iter().map(|person| person["attributes"]["city"].clone()).collect();
    assert!(cities.contains(&json!("a\r\n\r\nb")) && cities.len() == 2, "{cities:?}");
}

#[tokio::test]
async fn ndjson_keeps_the_ids_that_it_has_and_gets_the_others_from_name_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let person = |first: &str, id: &str| {
        format!("{{{id}\"firstName\":\"{first}\",\"lastName\":\"L\",\"age\":1,\"job\":\"\"}}\n")
    };
    let id = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
    let text = [&person("Ada", &format!("\"id\":\"{id}\",")), "\n", &person("Bob", ""), "nonsense\n"].concat();
    let file = write(folder.path(), "people.jsonl", &text);
    let (code, out, errors) = serving.run(&["import", &file]).await;
    assert_eq!((code, out), (1, sums(2, 1)));
    assert!(errors.starts_with(&format!("{file}:4: The body is not JSON")), "{errors}");
    let first = serving.people().await;
    assert_eq!(first[0]["id"], id);
    // The same under the same name, whatever way it comes.
    let (code, out, _) = serving.fed(&["import", "-", "--name", "people.jsonl", "--url", serving.url()], &text).await;
    assert_eq!((code, out, serving.people().await), (1, sums(2, 1), first));
    // A pipe has no name: nobody is replaced.
    let (_, out, _) = serving.fed(&["import", "-"], &text).await;
    assert_eq!((out, serving.people().await.len()), (sums(2, 1), 3));
}

#[tokio::test]
async fn standard_input_may_be_csv_with_other_headings() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let text = "\u{feff}Given name;Surname;Age;Job;phone;secret\nAda;\"Love;lace\";36;;0150;x\n";
    let rules = [
        "import",
        "-",
        "--map",
        "Given name=firstName",
        "--map",
        "Surname=lastName",
        "--text",
        "phone",
        "--skip",
        "secret",
    ];
    assert_eq!(serving.fed(&rules, text).await, (0, sums(1, 0), String::new()));
    let mut people = serving.people().await;
    people[0]["id"].take();
    let expected = json!({
        "id": null, "firstName": "Ada", "lastName": "Love;lace", "age": 36, "job": "", "attributes": {"phone": "0150"},
    });
    assert_eq!(people, [expected]);
    let (code, out, errors) = serving.fed(&["import", "-"], text).await;
    assert_eq!((code, out), (1, sums(0, 0)));
    assert!(errors.contains("--map 'COLUMN=firstName'") && errors.contains("\"Given name\""), "{errors}");
}

#[tokio::test]
async fn a_file_that_is_something_else_is_given_up_after_so_many_refusals() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let file = write(folder.path(), "people.ndjson", "{}\n".repeat(5000));
    let (code, _, errors) = serving.run(&["import", &file, "--refused-max", "700"]).await;
    assert_eq!(code, 1);
    let told = errors.lines().filter(|line| line.starts_with(&format!("{file}:"))).count();
    assert!((700..5000).contains(&told), "{told}");
    assert!(
        errors.trim_end().ends_with("lines were refused: the rest was not read"),
        "{}",
        &errors[errors.len() - 200..]
    );
}

#[tokio::test]
async fn a_terminal_shows_how_far_it_is_and_a_pipe_gets_nothing_but_the_sums() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let people = "A,L,1,M\n".repeat(1500);
    let file = write(folder.path(), "people.csv", format!("firstName,lastName,age,job\n{people}X,L,old,M\n"));
    let mut terminal = Terminal::open(100, 10);
    let mut child = terminal.run(&serving, &["import", &file]);
    let bar = terminal.until("1,000 saved, ").await;
    assert!(bar.contains('█') && bar.contains(" %  500 saved, "), "{bar:?}");
    let rate = terminal.until(" a second, 0 refused").await;
    let rate = rate.trim_end_matches(" a second, 0 refused");
    assert!(rate.parse::<u64>().is_ok_and(|rate| rate > 0), "{rate:?}");
    let refused = format!("{file}:1502: age: must be an integer from 0 to 150\r\n");
    terminal.until(&refused).await;
    // The bar is taken away before the sums are told.
    let last = terminal.until("1,500 saved, 1 refused\r\n").await;
    assert_eq!(last.rsplit("\u{1b}[2K").next(), Some("1,500 saved, 1 refused\r\n"), "{last:?}");
    assert_eq!(timeout(DEADLINE, child.wait()).await.expect("it ends").unwrap().code(), Some(1));
    let (_, out, errors) = serving.run(&["import", &file]).await;
    assert_eq!((out, errors.lines().count()), (sums(1500, 1), 2), "{errors}");
    assert!(!errors.contains("saved") && !errors.contains('█'), "{errors}");
}

#[tokio::test]
async fn what_cannot_work_is_told_with_what_to_do() {
    let nobody = ["--url", "http://127.0.0.1:1"];
    let (code, _, errors) = run(gateway(&[&["import", EXAMPLE, "--list", "tags"], &nobody[..]].concat())).await;
    assert_eq!(code, 1);
    assert!(errors.contains("http://127.0.0.1:1") && errors.contains("--url"), "{errors}");
    let (code, _, errors) = run(gateway(&["import", "/nowhere/people.csv"])).await;
    assert!(code == 1 && errors.contains("/nowhere/people.csv"), "{errors}");
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
async fn a_file_that_breaks_off_or_is_no_text_ends_it_with_the_place_and_who_stands_before_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let header = "firstName,lastName,age,job";
    for (name, bytes, words) in [
        (
            "quote.csv",
            format!("{header}\nAda,L,36,M\nBob,\"x\" y\",1,M\nCy,L,1,M\n").into_bytes(),
            "line 3, column 7: ",
        ),
        (
            "open.csv",
            format!("{header}\nAda,L,36,M\nBob,\"L,1,M\nCy,L,1,M\n").into_bytes(),
            "line 3, column 5: this quote is not closed",
        ),
        (
            "latin.csv",
            [format!("{header}\nAda,L,36,M\nB").as_bytes(), b"\xF6b,L,1,M\n"].concat(),
            "line 3 is not UTF-8: say what the file is written in, for example --encoding windows-1252",
        ),
    ] {
        let file = write(folder.path(), name, bytes);
        let (code, out, errors) = serving.run(&["import", &file]).await;
        assert_eq!((code, out), (1, sums(1, 0)), "{errors}");
        assert!(errors.starts_with("people-gateway: the import is not whole: ") && errors.contains(words), "{errors}");
    }
    let file = write(folder.path(), "heading.csv", b"firstName,lastName,age,job,Gr\xF6\xDFe\nEve,L,1,M,2\n");
    let (code, out, errors) = serving.run(&["import", &file]).await;
    assert!((code, out) == (1, sums(0, 0)) && errors.contains("line 1 is not UTF-8"), "{errors}");
    let (code, out, errors) = serving.run(&["import", &file, "--encoding", "cp1252"]).await;
    assert_eq!((code, out, errors.as_str()), (0, sums(1, 0), ""));
    let people = serving.people().await;
    assert_eq!(people.iter().filter(|person| person["attributes"]["Größe"] == 2).count(), 1, "{people:?}");
    // Without its mark it is named, and nobody is saved.
    let utf_16: Vec<u8> = format!("{header}\nEve,L,1,M\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = write(folder.path(), "wide.csv", utf_16);
    let (code, out, errors) = serving.run(&["import", &file]).await;
    assert!((code, out) == (1, sums(0, 0)) && errors.contains("--encoding utf-16le"), "{errors}");
    assert_eq!(serving.run(&["import", &file, "--encoding", "utf-16le"]).await, (0, sums(1, 0), String::new()));
}

#[tokio::test]
async fn files_as_excel_writes_them_are_read_and_an_age_may_have_a_point() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    let text = "\u{feff}sep=;\r\nfirstName;lastName;age;job;city\r\nAda;L;36.0;M;Oslo\r\nBob;L;3.6E+01\r\n";
    let file = write(folder.path(), "people.csv", text);
    assert_eq!(serving.run(&["import", &file]).await, (0, sums(2, 0), String::new()));
    let marked = "\u{feff}{\"firstName\":\"Cy\",\"lastName\":\"L\",\"age\":36.0,\"job\":\"\"}\n\u{feff}\n\u{feff}{\"firstName\":\"Di\",\"lastName\":\"L\",\"age\":36e0,\"job\":\"\"}\n";
    assert_eq!(serving.fed(&["import", "-"], marked).await, (0, sums(2, 0), String::new()));
    let people = serving.people().await;
    assert_eq!((people.len(), people.iter().filter(|person| person["age"] == 36).count()), (4, 4), "{people:?}");
}

#[tokio::test]
async fn a_file_with_nobody_in_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let serving = serving_in(folder.path()).await;
    for (name, text, words) in [
        ("none.csv", "", "none.csv is empty: there is nobody to import"),
        ("none.ndjson", "\n \n", "none.ndjson is empty"),
        ("none", "\u{feff}\r\n", "none is empty"),
        ("headings.csv", "firstName,lastName,age,job\n", "headings.csv has headings, and nobody below them"),
    ] {
        let file = write(folder.path(), name, text);
        let (code, out, errors) = serving.run(&["import", &file]).await;
        assert_eq!((code, out), (0, sums(0, 0)));
        assert!(errors.contains(words) && errors.lines().count() == 1, "{errors}");
    }
}

#[tokio::test]
async fn a_dry_run_shows_whom_it_would_save_and_needs_no_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "people.csv", "firstName,lastName,age,job,x\nAda,L,36,M,7\nBob,L,1,M,7,8\n");
    let (code, out, errors) = run(gateway(&["import", &file, "--dry-run", "--text", "x"])).await;
    let person: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &person["attributes"], &person["id"]),
        (1, &json!({"x": "7"}), &json!("3113c110-26ef-8987-b143-d431eb42ae97"))
    );
    let errors: Vec<&str> = errors.lines().collect();
    assert!(errors[0].starts_with(&format!("{file}:3: has 6 cells")), "{errors:?}");
    assert!(errors[1].contains("1 of 2 people would be refused"), "{errors:?}");
    let pipe = run(gateway(&["import", "/nowhere.csv", "--dry-run"])).await;
    assert!(pipe.0 == 1 && pipe.2.contains("/nowhere.csv"), "{pipe:?}");
}

//! Files as other programs write them: CSV or lines of JSON, with byte order marks, in other
//! encodings, or incomplete.

use serde_json::json;

use super::{sums, write};
use crate::cli::process::start_gateway_in;

#[tokio::test]
async fn a_broken_file_ends_the_import_after_its_valid_rows_and_names_the_position() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
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
            [
                format!("{header}\nAda,L,36,M\nB").as_bytes(),
                b"\xF6b,L,1,M\n",
            ]
            .concat(),
            "line 3 is not UTF-8: name the encoding of the file, for example \
             --encoding windows-1252",
        ),
    ] {
        let file = write(folder.path(), name, bytes);
        let (code, out, errors) = serving.run(&["import", &file]).await;
        assert_eq!((code, out), (1, sums(1, 0)), "{errors}");
        assert!(
            errors.starts_with("people-gateway: the import is incomplete: ")
                && errors.contains(words),
            "{errors}"
        );
    }
}

#[tokio::test]
async fn a_file_in_another_encoding_needs_the_option_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let file = write(
        folder.path(),
        "heading.csv",
        b"firstName,lastName,age,job,Gr\xF6\xDFe\nEve,L,1,M,2\n",
    );
    let (code, out, errors) = serving.run(&["import", &file]).await;
    assert!(
        (code, out) == (1, sums(0, 0)) && errors.contains("line 1 is not UTF-8"),
        "{errors}"
    );
    let (code, out, errors) = serving
        .run(&["import", &file, "--encoding", "cp1252"])
        .await;
    assert_eq!((code, out, errors.as_str()), (0, sums(1, 0), ""));
    let people = serving.people().await;
    assert_eq!(
        people
            .iter()
            .filter(|person| person["attributes"]["Größe"] == 2)
            .count(),
        1,
        "{people:?}"
    );
    // Without a byte order mark the import only suggests UTF-16, and saves no person.
    let utf_16: Vec<u8> = "firstName,lastName,age,job\nEve,L,1,M\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let file = write(folder.path(), "wide.csv", utf_16);
    let (code, out, errors) = serving.run(&["import", &file]).await;
    assert!(
        (code, out) == (1, sums(0, 0)) && errors.contains("--encoding utf-16le"),
        "{errors}"
    );
    assert_eq!(
        serving
            .run(&["import", &file, "--encoding", "utf-16le"])
            .await,
        (0, sums(1, 0), String::new())
    );
}

#[tokio::test]
async fn files_from_excel_and_ages_with_a_decimal_point_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let text = "\u{feff}sep=;\r\nfirstName;lastName;age;job;city\r\n\
                Ada;L;36.0;M;Oslo\r\nBob;L;3.6E+01\r\n";
    let file = write(folder.path(), "people.csv", text);
    assert_eq!(
        serving.run(&["import", &file]).await,
        (0, sums(2, 0), String::new())
    );
    let marked = concat!(
        "\u{feff}{\"firstName\":\"Cy\",\"lastName\":\"L\",\"age\":36.0,\"job\":\"\"}\n",
        "\u{feff}\n",
        "\u{feff}{\"firstName\":\"Di\",\"lastName\":\"L\",\"age\":36e0,\"job\":\"\"}\n",
    );
    assert_eq!(
        serving.run_with_input(&["import", "-"], marked).await,
        (0, sums(2, 0), String::new())
    );
    let people = serving.people().await;
    assert_eq!(
        (
            people.len(),
            people.iter().filter(|person| person["age"] == 36).count()
        ),
        (4, 4),
        "{people:?}"
    );
}

#[tokio::test]
async fn an_empty_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    for (name, text, words) in [
        (
            "none.csv",
            "",
            "none.csv is empty: there are no people to import",
        ),
        ("none.ndjson", "\n \n", "none.ndjson is empty"),
        ("none", "\u{feff}\r\n", "none is empty"),
        (
            "headings.csv",
            "firstName,lastName,age,job\n",
            "headings.csv has headings, and no people below them",
        ),
    ] {
        let file = write(folder.path(), name, text);
        let (code, out, errors) = serving.run(&["import", &file]).await;
        assert_eq!((code, out), (0, sums(0, 0)));
        assert!(
            errors.contains(words) && errors.lines().count() == 1,
            "{errors}"
        );
    }
}

#[tokio::test]
async fn people_without_ids_in_ndjson_get_ids_from_file_name_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let person = |first: &str, id: &str| {
        format!("{{{id}\"firstName\":\"{first}\",\"lastName\":\"L\",\"age\":1,\"job\":\"\"}}\n")
    };
    let id = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
    let text = [
        &person("Ada", &format!("\"id\":\"{id}\",")),
        "\n",
        &person("Bob", ""),
        "nonsense\n",
    ]
    .concat();
    let file = write(folder.path(), "people.jsonl", &text);
    let (code, out, errors) = serving.run(&["import", &file]).await;
    assert_eq!((code, out), (1, sums(2, 1)));
    assert!(
        errors.starts_with(&format!("{file}:4: The body is not JSON")),
        "{errors}"
    );
    let first = serving.people().await;
    assert_eq!(first[0]["id"], id);
    // Standard input with the same name gives the same ids.
    let (code, out, _) = serving
        .run_with_input(
            &[
                "import",
                "-",
                "--name",
                "people.jsonl",
                "--url",
                serving.url(),
            ],
            &text,
        )
        .await;
    assert_eq!((code, out, serving.people().await), (1, sums(2, 1), first));
    // A pipe has no name, so its people replace no existing people.
    let (_, out, _) = serving.run_with_input(&["import", "-"], &text).await;
    assert_eq!((out, serving.people().await.len()), (sums(2, 1), 3));
}

#[tokio::test]
async fn standard_input_may_be_csv_with_other_headings() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
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
    assert_eq!(
        serving.run_with_input(&rules, text).await,
        (0, sums(1, 0), String::new())
    );
    let mut people = serving.people().await;
    people[0]["id"].take();
    let expected = json!({
        "id": null, "firstName": "Ada", "lastName": "Love;lace", "age": 36, "job": "",
        "attributes": {"phone": "0150"},
    });
    assert_eq!(people, [expected]);
    let (code, out, errors) = serving.run_with_input(&["import", "-"], text).await;
    assert_eq!((code, out), (1, sums(0, 0)));
    assert!(
        errors.contains("--map 'COLUMN=firstName'") && errors.contains("\"Given name\""),
        "{errors}"
    );
}

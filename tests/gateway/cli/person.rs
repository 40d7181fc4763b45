//! `save`, `get` and `delete` for single people.

use serde_json::{Value, json};

use crate::cli::process::{gateway, run, run_with_input, start_gateway_in};
use crate::cli::script::{Script, answer};

const ID: &str = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
const ADA: [&str; 9] = [
    "save",
    "--first-name",
    "Ada",
    "--last-name",
    "Lovelace",
    "--age",
    "36",
    "--job",
    "M",
];

fn parsed(line: &str) -> Value {
    assert_eq!(line.matches('\n').count(), 1, "one line of JSON: {line:?}");
    serde_json::from_str(line).unwrap()
}

#[tokio::test]
async fn a_person_is_saved_read_changed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let attributes = [
        "--attribute",
        "city=Oslo",
        "--attribute",
        "n=7",
        "--attribute",
        "zip=\"7\"",
    ];
    let (code, out, errors) = serving.run(&[&ADA[..], &attributes].concat()).await;
    assert_eq!((code, errors.as_str()), (0, ""));
    let saved = parsed(&out);
    assert_eq!(
        saved["attributes"],
        json!({"city": "Oslo", "n": 7, "zip": "7"})
    );
    let (id, revision) = (
        saved["id"].as_str().unwrap(),
        saved["revision"].as_str().unwrap(),
    );
    let (code, out, _) = serving.run(&["get", id]).await;
    assert_eq!((code, parsed(&out)), (0, saved.clone()));
    let (code, out, _) = serving
        .run(&[
            "save",
            "--id",
            id,
            "--merge",
            "--age",
            "37",
            "--attribute",
            "city=null",
        ])
        .await;
    let merged = parsed(&out);
    assert_eq!(
        (code, &merged["age"], &merged["attributes"]),
        (0, &json!(37), &json!({"n": 7, "zip": "7"}))
    );
    let (code, _, errors) = serving
        .run(&[
            "save",
            "--id",
            id,
            "--merge",
            "--age",
            "38",
            "--if-match",
            revision,
        ])
        .await;
    assert!(
        code == 1 && errors.contains(merged["revision"].as_str().unwrap()),
        "{errors}"
    );
    let (code, _, errors) = serving.run(&["delete", id, "--if-match", revision]).await;
    assert_eq!(code, 1, "{errors}");
    assert_eq!(
        serving.run(&["delete", id]).await,
        (0, String::new(), String::new())
    );
    let (code, out, errors) = serving.run(&["get", id]).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        errors,
        format!("people-gateway: There is no record with id: {id}\n")
    );
}

#[tokio::test]
async fn save_with_an_id_creates_or_replaces_the_person() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    for job in ["first", "second"] {
        let (code, out, _) = serving.run(&[&ADA[..8], &[job, "--id", ID]].concat()).await;
        assert_eq!(
            (code, &parsed(&out)["job"], &parsed(&out)["id"]),
            (0, &json!(job), &json!(ID))
        );
    }
    assert_eq!(serving.people().await.len(), 1);
    let (code, _, errors) = serving
        .run(
            &[
                &ADA[..],
                &["--id", &ID.replace('0', "1"), "--if-match", "*"],
            ]
            .concat(),
        )
        .await;
    assert!(
        code == 1 && errors.contains("There is no record"),
        "{errors}"
    );
}

#[tokio::test]
async fn save_accepts_the_json_of_get() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let (_, out, _) = serving.run(&ADA).await;
    let revision = parsed(&out)["revision"].as_str().unwrap().to_owned();
    let changed = out.replace("Lovelace", "Byron");
    let (code, again, _) = serving
        .run_with_input(&["save", "--if-match", &revision], &changed)
        .await;
    assert_eq!(
        (code, &parsed(&again)["id"], &parsed(&again)["lastName"]),
        (0, &parsed(&out)["id"], &json!("Byron"))
    );
    let (code, _, errors) = serving
        .run_with_input(&["save", "--if-match", &revision], &changed)
        .await;
    assert_eq!(code, 1, "{errors}");
    let (code, out, errors) = serving
        .run_with_input(&["save"], "{\"firstName\":\"\",\"age\":200}")
        .await;
    assert_eq!((code, out.as_str()), (1, ""));
    let faults = [
        "firstName: ",
        "age: must be an integer from 0 to 150",
        "lastName: is required",
        "job: is required",
    ];
    assert!(
        faults.iter().all(|fault| errors.contains(fault)),
        "{errors}"
    );
}

#[tokio::test]
async fn failed_ids_are_named_and_the_others_are_processed() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let (_, out, _) = serving.run(&ADA).await;
    let id = parsed(&out)["id"].as_str().unwrap().to_owned();
    let other = ID.replace('0', "1");
    let (code, out, errors) = serving.run(&["get", ID, &id, &other]).await;
    assert_eq!((code, parsed(&out)["id"].as_str()), (1, Some(id.as_str())));
    assert!(
        errors.contains(ID) && errors.contains(&other) && errors.lines().count() == 2,
        "{errors}"
    );
    let (code, plain, _) = serving.run(&["get", "--plain", &id]).await;
    assert_eq!(code, 0);
    assert!(
        plain.starts_with("Ada Lovelace, 36, M\n")
            && plain.contains(&id)
            && !plain.contains('\u{1b}'),
        "{plain}"
    );
    let (code, _, errors) = serving.run(&["delete", ID, &id]).await;
    assert_eq!(
        (code, errors.lines().count(), serving.people().await.len()),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn a_repeated_request_has_the_same_key() {
    let script = Script::start().await;
    let url = script.url();
    let key = |head: &str| {
        head.lines()
            .find(|line| line.starts_with("idempotency-key: "))
            .unwrap()
            .to_owned()
    };
    let server = async {
        let busy = answer(
            "503 Service Unavailable\r\nRetry-After: 0",
            "{\"detail\":\"busy\"}",
        );
        let (first, body) = script.next(&busy).await;
        let (second, again) = script.next(&answer("201 Created", "{\"id\":\"x\"}")).await;
        assert_eq!((key(&first), body), (key(&second), again));
    };
    let arguments = [&ADA[..], &["--url", &url]].concat();
    let ((), (code, out, errors)) = tokio::join!(server, run(gateway(&arguments)));
    assert_eq!((code, out.as_str()), (0, "{\"id\":\"x\"}\n"), "{errors}");
    assert!(errors.contains("busy; trying again in"), "{errors}");
}

#[tokio::test]
async fn wrong_usage_exits_with_2() {
    for arguments in [
        &["get"][..],
        &["get", "x"],
        &["delete", "7"],
        &["save", "--age", "200x"],
        &["save", "--merge", "--age", "7"],
        &["save", "--if-match", "*", "--age", "7"],
        &["save", "--if-match", "W/x", "--id", ID],
        &["save", "--attribute", "city"],
    ] {
        let (code, out, errors) = run(gateway(arguments)).await;
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(errors.starts_with("error: "), "{errors}");
    }
    for input in ["", "{\"id\":7}"] {
        let (code, _, errors) = run_with_input(gateway(&["save"]), input).await;
        assert_eq!((code, errors.lines().count()), (1, 1), "{errors}");
    }
}

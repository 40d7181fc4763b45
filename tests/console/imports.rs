//! Files of people at the console: what is asked before a table is imported, what it would change,
//! and how it goes.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::gateway::Gateway;
use crate::scenes::console;

/// Imports a table with the columns as they are chosen.
const GO: &str = "dialog.columns .primary:not(:disabled)";
/// The cells of the first row that would be saved.
const FIRST_ROW: &str = "[...document.querySelectorAll('.preview tbody tr:first-child td')]\
                         .map((cell) => cell.textContent)";

fn write(gateway: &Gateway, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let file = gateway.folder().join(name);
    std::fs::write(&file, text).expect("a file");
    file
}

async fn choose_file(browser: &Browser, file: &std::path::Path) {
    browser
        .send("input[type=file]", file.to_str().expect("a path"))
        .await;
}

/// Chooses an entry of a list, as a person does.
async fn select(browser: &Browser, id: &str, value: &str) {
    browser
        .shows(
            id,
            &format!("document.querySelector('#{id}') !== null"),
            json!(true),
        )
        .await;
    let change = format!(
        "const list = document.querySelector('#{id}'); list.value = '{value}';
        list.dispatchEvent(new Event('change', {{ bubbles: true }}))"
    );
    browser.run(&change).await;
}

/// How many people match.
async fn matches(gateway: &Gateway, filter: &str) -> usize {
    let path = format!(
        "/people?{}",
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("where", filter)
            .finish()
    );
    gateway
        .call("GET", &path, &Value::Null)
        .await
        .as_array()
        .expect("people")
        .len()
}

#[tokio::test]
async fn a_table_that_would_turn_lists_into_texts_is_warned_about_mended_and_remembered() {
    let (gateway, browser) = console().await;
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/people.csv");
    let mut command = Command::new(env!("CARGO_BIN_EXE_people-gateway"));
    command
        .arg("import")
        .arg(&example)
        .args(["--list", "tags"])
        .env("PEOPLE_GATEWAY_URL", gateway.url(""));
    assert!(
        command
            .output()
            .expect("the program starts")
            .status
            .success()
    );
    let chess = "\"chess\" in attributes.tags";
    let before = matches(&gateway, chess).await;
    assert!(before > 100, "{before}");

    choose_file(&browser, &example).await;
    let warning = "document.querySelector('.warnings')?.textContent ?? ''";
    browser
        .shows(
            "the warning",
            &format!("/attributes.tags is a list of [^]* and would be a text/.test({warning})"),
            json!(true),
        )
        .await;
    browser
        .shows(
            "an example",
            &format!("/Filters such as \"[^\"]+\" in attributes.tags/.test({warning})"),
            json!(true),
        )
        .await;
    browser.click(".warnings button").await;
    browser
        .shows(
            "no warning",
            "document.querySelector('.warnings')",
            Value::Null,
        )
        .await;
    browser.click(GO).await;
    let done =
        "document.querySelector('.importer').textContent.includes('1,000 saved, 0 refused. Done.')";
    browser.shows("it is done", done, json!(true)).await;
    assert_eq!(matches(&gateway, chess).await, before);

    // The next time nothing has to be said, also where the page was loaded anew.
    browser.run("location.reload()").await;
    browser.live().await;
    choose_file(&browser, &example).await;
    let types =
        "[...document.querySelectorAll('[id^=type-]')].map((list) => list.value).includes('list')";
    browser.shows("it is remembered", types, json!(true)).await;
    browser.click(GO).await;
    browser.shows("it is done", done, json!(true)).await;
    assert_eq!(matches(&gateway, chess).await, before);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn each_column_has_a_target_and_a_type_and_the_first_rows_are_shown_as_they_would_be_saved() {
    let (gateway, browser) = console().await;
    let text = "Given name,lastName,age,job,phone,height,notes\nAda,L,36.0,,0047,1.70,secret\n\
                Bob,L,1,,47,tall,\n";
    choose_file(&browser, &write(&gateway, "staff.csv", text)).await;
    let fault =
        "document.querySelector('dialog .wrong')?.textContent.includes('No column is firstName')";
    browser.shows("what is missing", fault, json!(true)).await;
    browser
        .shows(
            "it waits",
            "document.querySelector('dialog .primary').disabled",
            json!(true),
        )
        .await;
    select(&browser, "column-0", "firstName").await;
    browser
        .shows(
            "as it looks",
            FIRST_ROW,
            json!(["Ada", "L", "36", "", "0047", "1.70", "secret"]),
        )
        .await;
    select(&browser, "type-4", "number").await;
    select(&browser, "type-5", "number").await;
    select(&browser, "column-6", "nothing").await;
    browser.fill("#attribute-4", "contact.phone").await;
    browser
        .shows(
            "as it would be saved",
            FIRST_ROW,
            json!(["Ada", "L", "36", "", "47", "1.70", ""]),
        )
        .await;
    let second = "document.querySelector('.preview tbody tr:nth-child(2) .wrong')?.textContent";
    browser
        .shows(
            "what is refused",
            &format!("{second}.startsWith('attributes.height: must be a number')"),
            json!(true),
        )
        .await;
    browser.click(GO).await;
    browser.people(&["Ada L"]).await;
    let people = gateway.call("GET", "/people", &Value::Null).await;
    assert_eq!(
        people[0]["attributes"],
        json!({"contact": {"phone": 47}, "height": 1.7})
    );
    let refused = "[...document.querySelectorAll('.refused li b')].map((line) => line.textContent)";
    browser
        .shows("the refused line", refused, json!(["3"]))
        .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_table_in_another_encoding_is_read_once_it_is_said_and_nobody_is_saved_before() {
    let (gateway, browser) = console().await;
    let file = write(
        &gateway,
        "old.csv",
        b"firstName;lastName;age;job;Gr\xF6\xDFe\nJ\xF6rg;L;36;;2\n",
    );
    choose_file(&browser, &file).await;
    let fault =
        "document.querySelector('dialog .wrong')?.textContent.includes('line 1 is not UTF-8')";
    browser.shows("the fault", fault, json!(true)).await;
    browser
        .shows(
            "it waits",
            "document.querySelector('dialog .primary').disabled",
            json!(true),
        )
        .await;
    select(&browser, "import-encoding", "windows-1252").await;
    browser
        .shows("the row", FIRST_ROW, json!(["Jörg", "L", "36", "", "2"]))
        .await;
    browser.click(GO).await;
    browser.people(&["Jörg L"]).await;
    assert_eq!(
        gateway.call("GET", "/people", &Value::Null).await[0]["attributes"],
        json!({"Größe": 2})
    );
    // Nothing happens where nothing is wanted, nor in an empty file.
    choose_file(&browser, &write(&gateway, "empty.csv", "")).await;
    let empty = "document.querySelector('dialog .wrong')?.textContent.includes('empty')";
    browser.shows("that it is empty", empty, json!(true)).await;
    browser
        .click("dialog.columns .buttons button[type=button]")
        .await;
    browser
        .shows(
            "it is closed",
            "document.querySelector('dialog')",
            Value::Null,
        )
        .await;
    browser.people(&["Jörg L"]).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_import_outlasts_an_outage_of_the_gateway() {
    let (mut gateway, browser) = console().await;
    let file = gateway.folder().join("people.csv");
    std::fs::write(
        &file,
        "First name,Last name,age,job\nAda,L,36,\nGrace,L,85,\n",
    )
    .expect("a file");
    gateway.kill();
    browser
        .send("input[type=file]", file.to_str().expect("a path"))
        .await;
    browser.click(GO).await;
    let waiting =
        "document.querySelector('.importer .waiting')?.textContent.includes('trying again')";
    browser
        .shows("it says that it waits", waiting, json!(true))
        .await;
    gateway.restart().await;
    browser.live().await;
    browser.people(&["Ada L", "Grace L"]).await;
    let done =
        "document.querySelector('.importer').textContent.includes('2 saved, 0 refused. Done.')";
    browser.shows("it is done", done, json!(true)).await;
}

#[tokio::test]
async fn a_file_is_imported_whether_chosen_or_dropped_and_refused_lines_are_named() {
    let (gateway, browser) = console().await;
    let file = gateway.folder().join("people.csv");
    std::fs::write(
        &file,
        "First name,Last name,age,job,city\nAda,L,36,,London\nGrace,L,old,,\n",
    )
    .expect("a file");
    browser
        .send("input[type=file]", file.to_str().expect("a path"))
        .await;
    browser.click(GO).await;
    browser.people(&["Ada L"]).await;
    let refused = "[...document.querySelectorAll('.refused li b')].map((line) => line.textContent)";
    browser
        .shows("the refused line", refused, json!(["3"]))
        .await;
    let drop = "const data = new DataTransfer();
        data.items.add(new File(['{\"firstName\":\"Alan\",\"lastName\":\"L\",\"age\":41,\
            \"job\":\"\"}'], 'people.ndjson'));
        document.body.dispatchEvent(new DragEvent('drop', \
            { dataTransfer: data, bubbles: true, cancelable: true }));";
    browser.run(drop).await;
    browser.people(&["Ada L", "Alan L"]).await;
    let people = gateway.call("GET", "/people", &Value::Null).await;
    let cities: Vec<&Value> = people
        .as_array()
        .expect("people")
        .iter()
        .map(|one| &one["attributes"]["city"])
        .collect();
    assert!(cities.contains(&&json!("London")), "{people}");
    // As the command line has it for line 2 of a file of this name.
    let ids: Vec<&Value> = people
        .as_array()
        .expect("people")
        .iter()
        .map(|one| &one["id"])
        .collect();
    assert!(
        ids.contains(&&json!("3113c110-26ef-8987-b143-d431eb42ae97")),
        "{people}"
    );
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

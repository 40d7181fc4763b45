//! Imports in the console: the dialog for a table, its warnings, and the progress.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::console::scenes::console;
use crate::console::support::browser::Browser;
use people_testing::process::Gateway;

/// The button that starts the import.
const IMPORT: &str = "dialog.columns .primary:not(:disabled)";
/// The cells of the first row in the preview.
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

/// Selects an entry of a list.
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

/// The number of people that match a filter.
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

/// Waits until the dialog imports nothing yet.
async fn import_is_disabled(browser: &Browser) {
    browser
        .shows(
            "no import yet",
            "document.querySelector('dialog .primary').disabled",
            json!(true),
        )
        .await;
}

#[tokio::test]
async fn the_dialog_warns_about_lists_that_become_texts_and_remembers_the_correction() {
    let (gateway, browser) = console().await;
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/people.csv");
    let mut command = Command::new(people_testing::program());
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
    browser.click(IMPORT).await;
    let done =
        "document.querySelector('.importer').textContent.includes('1,000 saved, 0 refused. Done.')";
    browser.shows("it is done", done, json!(true)).await;
    assert_eq!(matches(&gateway, chess).await, before);

    // The next import starts with the same columns, even after a reload.
    browser.run("location.reload()").await;
    browser.live().await;
    choose_file(&browser, &example).await;
    let types =
        "[...document.querySelectorAll('[id^=type-]')].map((list) => list.value).includes('list')";
    browser
        .shows("the remembered type", types, json!(true))
        .await;
    browser.click(IMPORT).await;
    browser.shows("it is done", done, json!(true)).await;
    assert_eq!(matches(&gateway, chess).await, before);
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
}

#[tokio::test]
async fn columns_have_a_target_and_a_type_and_a_preview_shows_the_first_rows() {
    let (gateway, browser) = console().await;
    let text = "Given name,lastName,age,job,phone,height,notes\nAda,L,36.0,,0047,1.70,secret\n\
                Bob,L,1,,47,tall,\n";
    choose_file(&browser, &write(&gateway, "staff.csv", text)).await;
    let fault =
        "document.querySelector('dialog .wrong')?.textContent.includes('No column is firstName')";
    browser
        .shows("the missing column", fault, json!(true))
        .await;
    import_is_disabled(&browser).await;
    select(&browser, "column-0", "firstName").await;
    browser
        .shows(
            "automatic types",
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
            "the chosen types",
            FIRST_ROW,
            json!(["Ada", "L", "36", "", "47", "1.70", ""]),
        )
        .await;
    let second = "document.querySelector('.preview tbody tr:nth-child(2) .wrong')?.textContent";
    browser
        .shows(
            "the refused row",
            &format!("{second}.startsWith('attributes.height: must be a number')"),
            json!(true),
        )
        .await;
    browser.click(IMPORT).await;
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
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_table_in_another_encoding_needs_the_choice_of_its_encoding() {
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
    import_is_disabled(&browser).await;
    select(&browser, "import-encoding", "windows-1252").await;
    browser
        .shows("the row", FIRST_ROW, json!(["Jörg", "L", "36", "", "2"]))
        .await;
    browser.click(IMPORT).await;
    browser.people(&["Jörg L"]).await;
    assert_eq!(
        gateway.call("GET", "/people", &Value::Null).await[0]["attributes"],
        json!({"Größe": 2})
    );
    // A cancel and an empty file import nothing.
    choose_file(&browser, &write(&gateway, "empty.csv", "")).await;
    let empty = "document.querySelector('dialog .wrong')?.textContent.includes('empty')";
    browser.shows("the error", empty, json!(true)).await;
    browser
        .click("dialog.columns .buttons button[type=button]")
        .await;
    browser
        .shows(
            "the dialog is closed",
            "document.querySelector('dialog')",
            Value::Null,
        )
        .await;
    browser.people(&["Jörg L"]).await;
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_import_continues_after_an_outage_of_the_gateway() {
    let (mut gateway, browser) = console().await;
    let file = gateway.folder().join("people.csv");
    std::fs::write(
        &file,
        "First name,Last name,age,job\nAda,L,36,\nGrace,L,85,\n",
    )
    .expect("a file");
    gateway.kill9();
    browser
        .send("input[type=file]", file.to_str().expect("a path"))
        .await;
    browser.click(IMPORT).await;
    let waiting =
        "document.querySelector('.importer .waiting')?.textContent.includes('trying again')";
    browser.shows("the wait", waiting, json!(true)).await;
    gateway.restart().await;
    browser.live().await;
    browser.people(&["Ada L", "Grace L"]).await;
    let done =
        "document.querySelector('.importer').textContent.includes('2 saved, 0 refused. Done.')";
    browser.shows("it is done", done, json!(true)).await;
}

#[tokio::test]
async fn chosen_and_dropped_files_are_imported_and_refused_lines_are_listed() {
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
    browser.click(IMPORT).await;
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
    // The command line derives the same id for line 2 of a file with this name.
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
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
}

//! Forms and the parts next to the table: conflicts, the card on a phone, keys, the first steps.

use serde_json::{Value, json};

use crate::console::scenes::{console, person};
use crate::console::support::browser::Browser;
use people_testing::process::Gateway;

const SAVE: &str = "dialog .buttons .primary";

/// Opens a form for Ada and sets the age 37, while another client saves her as an engineer.
async fn conflict() -> (Gateway, Browser, String) {
    let (gateway, browser) = console().await;
    let ada = gateway.create(&person("Ada", 36)).await;
    browser.people(&["Ada L"]).await;
    browser.click(&format!("#person-{ada}")).await;
    browser.fill("#field-age", "37").await;
    gateway
        .call(
            "PATCH",
            &format!("/people/{ada}"),
            &json!({"job": "Engineer"}),
        )
        .await;
    let differences =
        "[...document.querySelectorAll('.conflict dd')].map((one) => one.textContent)";
    browser
        .shows("the differences", differences, json!(["Engineer"]))
        .await;
    browser
        .shows(
            "no refusal yet",
            "document.querySelector('.conflict .danger')",
            Value::Null,
        )
        .await;
    browser.click(SAVE).await;
    browser
        .shows(
            "the overwrite button",
            "document.querySelector('.conflict .danger')?.textContent",
            json!("Overwrite"),
        )
        .await;
    (gateway, browser, ada)
}

/// The person with this id, as the gateway has it.
async fn saved(gateway: &Gateway, id: &str) -> Value {
    let path = format!("/people/{id}");
    gateway.call("GET", &path, &Value::Null).await
}

#[tokio::test]
async fn a_conflict_can_be_resolved_with_an_overwrite() {
    let (gateway, browser, ada) = conflict().await;
    browser.click(".conflict .danger").await;
    browser.wait_for_closed_form().await;
    let saved = saved(&gateway, &ada).await;
    assert_eq!(
        (&saved["age"], &saved["job"]),
        (&json!(37), &json!("Mathematician"))
    );
}

#[tokio::test]
async fn a_conflict_can_be_resolved_with_the_saved_version() {
    let (gateway, browser, ada) = conflict().await;
    browser.click(".conflict button:not(.danger)").await;
    browser
        .shows(
            "the other client's job",
            "document.querySelector('#field-job').value",
            json!("Engineer"),
        )
        .await;
    browser
        .shows(
            "the other client's age",
            "document.querySelector('#field-age').value",
            json!("36"),
        )
        .await;
    browser
        .shows(
            "no conflict",
            "document.querySelector('.conflict')",
            Value::Null,
        )
        .await;
    browser.fill("#field-age", "38").await;
    browser.click(SAVE).await;
    browser.wait_for_closed_form().await;
    let saved = saved(&gateway, &ada).await;
    assert_eq!(
        (&saved["age"], &saved["job"]),
        (&json!(38), &json!("Engineer"))
    );
}

#[tokio::test]
async fn copying_an_id_saves_nothing() {
    let (gateway, browser) = console().await;
    let ada = gateway.create(&person("Ada", 36)).await;
    browser.people(&["Ada L"]).await;
    browser.click(&format!("#person-{ada}")).await;
    browser.click("dialog .id button").await;
    browser
        .shows(
            "the result of the copy",
            "document.querySelector('dialog .id [role=status]').textContent !== ''",
            json!(true),
        )
        .await;
    browser
        .shows(
            "the form is open",
            "document.querySelector('dialog').open",
            json!(true),
        )
        .await;
    let now = gateway
        .call("GET", &format!("/people/{ada}"), &Value::Null)
        .await;
    assert_eq!(now["createdAt"], now["updatedAt"]);
}

#[tokio::test]
async fn a_phone_shows_a_card_before_the_form() {
    let (gateway, browser) = console().await;
    browser.emulate_phone().await;
    let mut ada = person("Ada", 36);
    ada["attributes"] = json!({"city": "Oslo", "tags": ["vip", "chess"]});
    let ada = gateway.create(&ada).await;
    browser.people(&["Ada L"]).await;
    browser.click(&format!("#person-{ada}")).await;
    let fields = "[...document.querySelectorAll('.card dl div')].slice(0, 4).map((one) => \
                [...one.children].map((part) => part.textContent))";
    browser
        .shows(
            "the card",
            fields,
            json!([
                ["Age", "36"],
                ["Job", "Mathematician"],
                ["city", "Oslo"],
                ["tags", "vip, chess"]
            ]),
        )
        .await;
    browser
        .shows(
            "no form",
            "document.querySelector('#field-age')",
            Value::Null,
        )
        .await;
    gateway
        .call("PATCH", &format!("/people/{ada}"), &json!({"age": 40}))
        .await;
    browser
        .shows("the new age", &format!("({fields})[0][1]"), json!("40"))
        .await;
    browser
        .click(".card button:not(.primary):not(.small)")
        .await;
    browser
        .shows(
            "the form",
            "document.querySelector('#field-age').value",
            json!("40"),
        )
        .await;
}

#[tokio::test]
async fn shortcuts_are_listed_and_work() {
    let (_gateway, browser) = console().await;
    browser.send("body", "?").await;
    browser
        .shows(
            "the keys",
            "document.querySelectorAll('.keys dl div').length > 5",
            json!(true),
        )
        .await;
    browser.click(".keys .primary").await;
    browser
        .shows(
            "the list is closed",
            "document.querySelector('dialog')",
            Value::Null,
        )
        .await;
    browser.send("body", "n").await;
    browser
        .shows(
            "a form",
            "document.querySelector('dialog h2')?.textContent",
            json!("New person"),
        )
        .await;
}

#[tokio::test]
async fn an_empty_gateway_offers_the_import_first_and_a_thousand_examples() {
    let (gateway, browser) = console().await;
    let on_top = "(([first, ...rest]) => first.matches('.importer') && \
            first.getBoundingClientRect().bottom < innerHeight)(
        [...document.querySelectorAll('aside > *')].sort((a, b) => \
            a.getBoundingClientRect().top - b.getBoundingClientRect().top))";
    browser
        .shows("the import is on top", on_top, json!(true))
        .await;
    browser
        .shows(
            "the first steps",
            "document.querySelectorAll('.first-steps button').length",
            json!(2),
        )
        .await;
    browser.click(".first-steps button:last-child").await;
    browser
        .shows(
            "all examples",
            "document.querySelector('.summary strong').textContent",
            json!("1,000 people"),
        )
        .await;
    browser
        .shows("no longer on top", on_top, json!(false))
        .await;
    let chess = gateway
        .call(
            "GET",
            "/people?where=%22chess%22+in+attributes.tags",
            &Value::Null,
        )
        .await;
    let expected = include_str!("../../../examples/people.csv")
        .lines()
        .filter(|line| line.contains("chess"))
        .count();
    assert_eq!(
        chess.as_array().expect("a list").len(),
        expected,
        "tags are lists"
    );
    // The command line derives the same id for line 2 of the file.
    let second = gateway
        .call(
            "GET",
            "/people/3113c110-26ef-8987-b143-d431eb42ae97",
            &Value::Null,
        )
        .await;
    assert_eq!(
        (&second["firstName"], &second["lastName"]),
        (&json!("Dilnoza"), &json!("Kaya"))
    );
    browser.fill("#where", "age > 150").await;
    browser
        .shows(
            "no person matches",
            "document.querySelector('.empty')?.textContent.trim()",
            json!("No person matches this filter now."),
        )
        .await;
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
}

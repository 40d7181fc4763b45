//! The console's table and form.

use serde_json::{Value, json};

use crate::console::support::browser::Browser;
use people_testing::process::Gateway;

pub(crate) fn person(name: &str, age: u8) -> Value {
    json!({"firstName": name, "lastName": "L", "age": age, "job": "Mathematician"})
}

/// Starts a gateway, and opens its console.
pub(crate) async fn console() -> (Gateway, Browser) {
    let gateway = Gateway::ready(&[]).await;
    let browser = Browser::open(&gateway.url("/")).await;
    browser.live().await;
    (gateway, browser)
}

/// Whether all files of the page came from its own host.
pub(crate) const OWN_HOST: &str = "performance.getEntriesByType('resource')\
                                   .every(({ name }) => name.startsWith(location.origin + '/'))";

/// The total size of the page's files, compressed and decoded.
const SIZES: &str = "[...performance.getEntriesByType('navigation'), \
        ...performance.getEntriesByType('resource')]
    .reduce(([sent, whole], entry) => \
        [sent + entry.encodedBodySize, whole + entry.decodedBodySize], [0, 0])";

#[tokio::test]
async fn the_console_loads_without_errors_and_only_from_its_host() {
    let (_gateway, browser) = console().await;
    browser
        .shows("all files are from its own host", OWN_HOST, json!(true))
        .await;
    let is_small =
        format!("(([sent, whole]) => 0 < sent && sent < 100_000 && sent < whole / 2)({SIZES})");
    browser
        .shows("the page is small", &is_small, json!(true))
        .await;
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
    browser.run("console.error('planted')").await;
    assert_eq!(
        browser.console_entries().await.len(),
        1,
        "the test reads errors in the browser's console"
    );
}

#[tokio::test]
async fn people_saved_or_deleted_by_rest_appear_and_disappear() {
    let (gateway, browser) = console().await;
    browser.people(&[]).await;
    let ada = gateway.create(&person("Ada", 36)).await;
    gateway.create(&person("Grace", 85)).await;
    browser.people(&["Ada L", "Grace L"]).await;
    gateway
        .call("DELETE", &format!("/people/{ada}"), &Value::Null)
        .await;
    browser.people(&["Grace L"]).await;
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_new_filter_applies_to_the_table_and_to_later_changes() {
    let (gateway, browser) = console().await;
    let ada = gateway.create(&person("Ada", 36)).await;
    gateway.create(&person("Grace", 85)).await;
    browser.people(&["Ada L", "Grace L"]).await;
    browser.fill("#where", "age >= 65").await;
    browser.people(&["Grace L"]).await;
    gateway
        .call("PUT", &format!("/people/{ada}"), &person("Ada", 70))
        .await;
    browser.people(&["Ada L", "Grace L"]).await;
    gateway
        .call("PUT", &format!("/people/{ada}"), &person("Ada", 36))
        .await;
    browser.people(&["Grace L"]).await;
    browser
        .shows(
            "a link to the view",
            "location.hash",
            json!("#where=age+%3E%3D+65"),
        )
        .await;
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_invalid_filter_marks_its_error_and_keeps_the_rows() {
    let (gateway, browser) = console().await;
    gateway.create(&person("Ada", 36)).await;
    browser.fill("#where", "age >= 18 && age < \"old\"").await;
    browser
        .shows(
            "the marked error",
            "document.querySelector('.fault mark')?.textContent",
            json!("\"old\""),
        )
        .await;
    browser
        .shows(
            "a reason",
            "document.querySelector('.fault p').textContent.trim().length > 10",
            json!(true),
        )
        .await;
    browser
        .shows(
            "for screen readers",
            "document.querySelector('#where').ariaInvalid",
            json!("true"),
        )
        .await;
    browser.people(&["Ada L"]).await;
    browser.fill("#where", "age >= 18").await;
    browser
        .shows("no fault", "document.querySelector('.fault')", Value::Null)
        .await;
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_console_misses_no_change_while_the_gateway_restarts() {
    let (mut gateway, browser) = console().await;
    let ada = gateway.create(&person("Ada", 36)).await;
    gateway.create(&person("Grace", 85)).await;
    browser.people(&["Ada L", "Grace L"]).await;
    gateway.kill9();
    browser
        .shows(
            "the lost connection",
            "document.querySelector('.status').dataset.state !== 'live'",
            json!(true),
        )
        .await;
    browser.people(&["Ada L", "Grace L"]).await;
    gateway.restart().await;
    gateway.create(&person("Alan", 41)).await;
    gateway
        .call("DELETE", &format!("/people/{ada}"), &Value::Null)
        .await;
    browser.live().await;
    browser.people(&["Alan L", "Grace L"]).await;
}

#[tokio::test]
async fn the_form_adds_a_person_and_shows_errors_at_their_fields() {
    let (gateway, browser) = console().await;
    browser.click(".people .primary").await;
    browser.fill("#field-firstName", "Ada").await;
    browser.fill("#field-lastName", "L").await;
    browser.fill("#field-age", "200").await;
    browser.click("dialog .primary").await;
    browser
        .shows(
            "the fault",
            "document.querySelector('#field-age-fault')?.textContent.includes('150')",
            json!(true),
        )
        .await;
    browser.fill("#field-age", "36").await;
    browser.click("dialog .primary").await;
    browser.people(&["Ada L"]).await;
    browser.wait_for_closed_form().await;
    assert_eq!(
        gateway.call("GET", "/people", &Value::Null).await[0]["age"],
        36
    );
}

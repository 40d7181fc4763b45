//! The console of a gateway that asks for tokens: the form for one, what a role allows, and the end
//! of a token.

use std::process::Command;

use serde_json::{Value, json};

use crate::console::both_pages::SMALL_TARGETS;
use crate::console::scenes::{OWN_HOST, console, person};
use crate::console::support::browser::Browser;
use people_testing::process::Gateway;

/// A subject that would be bold if the page took it for HTML.
const SUBJECT: &str = "<b>me</b>";
const FIELD: &str = "document.querySelector('label[for=token]')?.textContent ?? null";
const FAULT: &str = "document.querySelector('#token-fault[role=alert]')?.textContent ?? null";
const SUMMARY: &str = "document.querySelector('.summary strong')?.textContent";
/// The subject and the role in the head, and whether the end of the token is there.
const CALLER: &str = "(({ children: [, subject, role, until] }) => \
        [subject.textContent, role.textContent, until.textContent.startsWith('until ')])\
    (document.querySelector('.caller'))";

/// Starts a gateway that asks for tokens.
async fn guarded(settings: &[(&str, &str)]) -> Gateway {
    Gateway::ready(&[&[("auth.mode", "jwt")], settings].concat()).await
}

/// Starts a gateway that asks for tokens and has Ada, and opens its console.
async fn asked() -> (Gateway, Browser) {
    let gateway = guarded(&[]).await;
    create(&gateway, &person("Ada", 36)).await;
    let browser = Browser::open(&gateway.url("/")).await;
    browser
        .shows("the field", FIELD, json!("Paste a token"))
        .await;
    (gateway, browser)
}

/// A token that the command line makes with the gateway's own key.
fn token(gateway: &Gateway, role: &str, lifetime: &str) -> String {
    let output = Command::new(people_testing::program())
        .args(["token", "--sub", SUBJECT, "--role", role])
        .args(["--ttl", lifetime, "--store"])
        .arg(format!(
            "embedded:{}",
            gateway.folder().join("data").display()
        ))
        .current_dir(gateway.folder())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.trim().to_owned()
}

/// Creates a person, as a writer.
async fn create(gateway: &Gateway, person: &Value) {
    let request = gateway.request("POST", "/people").json(person);
    let answer = request.bearer_auth(token(gateway, "writer", "1h"));
    let answer = answer.send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 201);
}

async fn sign_in(browser: &Browser, token: &str) {
    browser.fill("#token", token).await;
    browser.click("dialog.sign-in .primary").await;
}

/// Waits until a button is disabled for the lack of a verb.
async fn lacks(browser: &Browser, selector: &str, verb: &str) {
    let button = format!("document.querySelector('{selector}')");
    browser
        .shows(
            selector,
            &format!("[{button}?.disabled, {button}?.title]"),
            json!([
                true,
                format!("The role reader does not allow this: it lacks {verb}.")
            ]),
        )
        .await;
}

#[tokio::test]
async fn a_reader_sees_people_and_has_no_buttons_for_changes() {
    let (gateway, browser) = asked().await;
    browser.shows("no fault yet", FAULT, Value::Null).await;
    browser
        .shows("the focus", "document.activeElement.id", json!("token"))
        .await;
    let command = "document.querySelector('.sign-in code').textContent";
    browser
        .shows(
            "the command",
            command,
            json!("people-gateway token --sub me"),
        )
        .await;
    browser
        .shows("no person yet", "document.querySelector('tr')", Value::Null)
        .await;
    sign_in(&browser, &token(&gateway, "reader", "1h")).await;
    browser.live().await;
    browser.people(&["Ada L"]).await;
    browser
        .shows("the caller", CALLER, json!([SUBJECT, "reader", true]))
        .await;
    browser
        .shows("no form", "document.querySelector('dialog')", Value::Null)
        .await;
    lacks(&browser, ".people .primary", "create").await;
    lacks(&browser, ".importer button", "import").await;
    browser.send("body", "n").await;
    browser
        .run("document.querySelector('tr[id^=person-]').click()")
        .await;
    lacks(&browser, "dialog .buttons .primary", "update").await;
    lacks(&browser, "dialog .buttons .danger", "delete").await;
    let title = "document.querySelector('dialog h2').textContent";
    browser.shows("the only form", title, json!("Ada L")).await;
}

#[tokio::test]
async fn a_writer_saves_deletes_and_imports() {
    let gateway = guarded(&[]).await;
    let browser = Browser::open(&gateway.url("/")).await;
    sign_in(&browser, &token(&gateway, "writer", "1h")).await;
    browser.live().await;
    browser.click(".people .primary").await;
    browser.fill("#field-firstName", "Grace").await;
    browser.fill("#field-lastName", "L").await;
    browser.fill("#field-age", "85").await;
    browser.click("dialog .primary").await;
    browser.wait_for_closed_form().await;
    browser.people(&["Grace L"]).await;
    browser
        .run("document.querySelector('tr[id^=person-]').click()")
        .await;
    browser.click("dialog .danger").await;
    browser.click("dialog .danger").await;
    browser.wait_for_closed_form().await;
    browser.shows("nobody", SUMMARY, json!("0 people")).await;
    browser.click(".first-steps button:last-child").await;
    browser
        .shows("an import", SUMMARY, json!("1,000 people"))
        .await;
    browser
        .shows("all files are from its own host", OWN_HOST, json!(true))
        .await;
}

#[tokio::test]
async fn a_bad_token_shows_why_and_the_field_again() {
    let (gateway, browser) = asked().await;
    let good = token(&gateway, "reader", "1h");
    let (signed, _) = good.rsplit_once('.').expect("three parts");
    let forged = format!("{signed}.{}", "A".repeat(43));
    let answer = gateway
        .request("GET", "/rights")
        .bearer_auth(&forged)
        .send()
        .await
        .expect("an answer");
    let problem: Value = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
    assert_eq!(problem["reason"], "signature");
    sign_in(&browser, &forged).await;
    browser
        .shows(
            "the detail of the problem",
            FAULT,
            problem["detail"].clone(),
        )
        .await;
    let field = "[document.activeElement.id, document.activeElement.value, \
                 document.activeElement.ariaInvalid]";
    browser
        .shows("the empty field", field, json!(["token", "", "true"]))
        .await;
    sign_in(&browser, "no token").await;
    browser
        .shows(
            "another fault",
            &format!("({FAULT}).includes('compact form')"),
            json!(true),
        )
        .await;
    browser
        .shows("nothing is kept", "sessionStorage.length", json!(0))
        .await;
    sign_in(&browser, &good).await;
    browser.live().await;
    browser.people(&["Ada L"]).await;
}

#[tokio::test]
async fn a_token_stays_in_its_tab_until_the_caller_signs_out() {
    let (gateway, browser) = asked().await;
    let token = token(&gateway, "reader", "1h");
    sign_in(&browser, &token).await;
    browser.people(&["Ada L"]).await;
    browser.run("location.reload()").await;
    browser.live().await;
    browser.people(&["Ada L"]).await;
    let places = "[location.href, document.title, document.cookie, JSON.stringify(localStorage), \
        document.documentElement.outerHTML, JSON.stringify(history.state), \
        ...performance.getEntriesByType('resource').map(({ name }) => name)].join(' ')";
    let (_, signature) = token.rsplit_once('.').expect("three parts");
    browser
        .shows(
            "the token is nowhere else",
            &format!("({places}).includes('{signature}')"),
            json!(false),
        )
        .await;
    browser.click(".caller button").await;
    browser
        .shows("the field", FIELD, json!("Paste a token"))
        .await;
    browser
        .shows("no person", "document.querySelector('tr')", Value::Null)
        .await;
    browser
        .shows("nothing is kept", "sessionStorage.length", json!(0))
        .await;
    browser.run("location.reload()").await;
    browser
        .shows("the field", FIELD, json!("Paste a token"))
        .await;
    for entry in browser.console_entries().await {
        assert!(!entry.contains(signature), "{entry}");
    }
}

#[tokio::test]
async fn the_form_comes_back_when_the_token_expires_and_an_open_form_keeps_its_values() {
    let gateway = guarded(&[("auth.leeway_ms", "0")]).await;
    create(&gateway, &person("Ada", 36)).await;
    let browser = Browser::open(&gateway.url("/")).await;
    browser
        .shows("the field", FIELD, json!("Paste a token"))
        .await;
    sign_in(&browser, &token(&gateway, "writer", "10s")).await;
    browser.people(&["Ada L"]).await;
    browser
        .run("document.querySelector('tr[id^=person-]').click()")
        .await;
    browser.fill("#field-age", "37").await;
    browser
        .shows("the field", FIELD, json!("Paste a token"))
        .await;
    browser
        .shows(
            "the reason",
            &format!("/expired/.test({FAULT})"),
            json!(true),
        )
        .await;
    sign_in(&browser, &token(&gateway, "writer", "1h")).await;
    browser.live().await;
    browser.click("dialog .buttons .primary").await;
    browser.wait_for_closed_form().await;
    let age = "document.querySelector('tr[id^=person-] .age')?.textContent";
    browser.shows("the saved age", age, json!("37")).await;
}

#[tokio::test]
async fn the_form_for_a_token_has_large_targets_and_stays_open() {
    let (gateway, browser) = asked().await;
    browser.shows("the form", SMALL_TARGETS, json!([])).await;
    for _ in 0..2 {
        browser.send("#token", "\u{e00c}").await;
    }
    browser
        .shows(
            "Escape closes nothing",
            "document.querySelector('dialog.sign-in').open",
            json!(true),
        )
        .await;
    browser.emulate_phone().await;
    browser.shows("on a phone", SMALL_TARGETS, json!([])).await;
    sign_in(&browser, &token(&gateway, "reader", "1h")).await;
    browser.people(&["Ada L"]).await;
    browser.shows("signed in", SMALL_TARGETS, json!([])).await;
    let fits = "document.documentElement.scrollWidth <= innerWidth";
    browser
        .shows("the head fits a phone", fits, json!(true))
        .await;
}

#[tokio::test]
async fn the_api_page_needs_no_token() {
    let gateway = guarded(&[]).await;
    let browser = Browser::open(&gateway.url("/docs")).await;
    browser
        .shows(
            "a call",
            "document.querySelector('#readPerson .curl code') !== null",
            json!(true),
        )
        .await;
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
}

#[tokio::test]
async fn without_authentication_there_is_no_caller_and_every_button_works() {
    let (_gateway, browser) = console().await;
    browser
        .shows(
            "no caller",
            "document.querySelector('.caller')",
            Value::Null,
        )
        .await;
    let disabled = "document.querySelectorAll('button:disabled').length";
    browser
        .shows("no button is disabled", disabled, json!(0))
        .await;
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
}

//! The console for a role that hides fields. The page's script takes the fields out of everything
//! that the gateway sends, and catches what the page saves.

use serde_json::{Value, json};

use crate::console::scenes::{console, person};
use crate::console::support::browser::Browser;

/// Takes `HIDDEN` out of people, and writes it into the rights; saves go to `window.sent`.
const MASK: &str = "
    const parse = JSON.parse;
    const mask = (value) => {
        if (value === null || typeof value !== 'object') return value;
        if ('revision' in value) for (const name of HIDDEN) delete value[name];
        Object.values(value).forEach(mask);
        return value;
    };
    JSON.parse = (...given) => mask(parse(...given));
    const { fetch } = window;
    window.sent = [];
    window.fetch = async (url, options = {}) => {
        if (options.method === 'PUT') {
            sent.push([String(url), parse(options.body)]);
            return Response.json({ type: '/problems/forbidden', status: 403,
                detail: 'The role clerk lacks update.' },
                { status: 403, headers: { 'content-type': 'application/problem+json' } });
        }
        return fetch(url, options);
    };
    return import('./console/access.js').then(({ access }) => {
        access.rights = { ...access.rights, hide: HIDDEN };
    });";

/// Hides fields from the page from now on.
async fn hide(browser: &Browser, hidden: &[&str]) {
    browser
        .run(&MASK.replace("HIDDEN", &json!(hidden).to_string()))
        .await;
}

/// Asserts that no text of the page stands for what is missing.
async fn shows_nothing_undefined(browser: &Browser) {
    let found = "/undefined|NaN|null|\\[object/.exec(document.body.innerText)";
    browser.shows("no missing value", found, Value::Null).await;
}

const FIELDS: &str = "[...document.querySelectorAll('dialog .field')]\
                      .map(({ className }) => className.split(' ')[1])";

#[tokio::test]
async fn a_form_shows_and_sends_only_what_the_role_shows() {
    let (gateway, browser) = console().await;
    hide(&browser, &["firstName", "lastName", "age", "job"]).await;
    let mut ada = person("Ada", 36);
    ada["attributes"] = json!({"city": "Oslo"});
    let ada = gateway.create(&ada).await;
    gateway.create(&person("Grace", 85)).await;
    let row = format!("#person-{ada}");
    let name = format!("document.querySelector('{row} .name code')?.textContent");
    browser
        .shows("the id in place of the name", &name, json!(ada))
        .await;
    for column in ["name", "age", "job", "updated"] {
        browser.click(&format!("th.{column} button")).await;
    }
    browser
        .shows(
            "both rows",
            "document.querySelectorAll('tr[id^=person-]').length",
            json!(2),
        )
        .await;
    shows_nothing_undefined(&browser).await;

    browser.click(&row).await;
    browser
        .shows("the fields of the form", FIELDS, json!(["attributes"]))
        .await;
    let note = "document.querySelector('dialog').innerText.includes('does not show all fields')";
    browser.shows("a note", note, json!(true)).await;
    shows_nothing_undefined(&browser).await;
    browser
        .fill("#field-attributes", r#"{"city": "Bergen"}"#)
        .await;
    browser.click("dialog .primary").await;
    let fault = "document.querySelector('dialog [role=alert]')?.textContent";
    let words = json!("The role clerk lacks update.");
    browser.shows("the refusal in words", fault, words).await;
    let sent = "sent.map(([url, body]) => [url.split('/').at(-1), body])";
    let saved = json!([[ada, {"attributes": {"city": "Bergen"}, "id": ada}]]);
    browser.shows("what was sent", sent, saved).await;
}

#[tokio::test]
async fn hidden_attributes_are_neither_shown_nor_sent() {
    let (gateway, browser) = console().await;
    hide(&browser, &["firstName", "attributes"]).await;
    let mut ada = person("Ada", 36);
    ada["attributes"] = json!({"city": "Oslo"});
    let ada = gateway.create(&ada).await;
    browser.people(&["L"]).await;
    browser.click(&format!("#person-{ada}")).await;
    let fields = json!(["lastName", "age", "job"]);
    browser
        .shows("the fields of the form", FIELDS, fields)
        .await;
    browser.click("dialog .primary").await;
    let saved = json!([{"lastName": "L", "age": 36, "job": "Mathematician", "id": ada}]);
    browser
        .shows("what was sent", "sent.map(([, body]) => body)", saved)
        .await;
    browser.click(".buttons button:not(.primary)").await;
    browser.wait_for_closed_form().await;

    browser.emulate_phone().await;
    browser.click(&format!("#person-{ada}")).await;
    let rows = "[...document.querySelectorAll('dialog.card dt')]\
                .map(({ textContent }) => textContent)";
    let expected = json!(["Age", "Job", "Updated", "Created", "Id", "Revision"]);
    browser.shows("the rows of the card", rows, expected).await;
    shows_nothing_undefined(&browser).await;
}

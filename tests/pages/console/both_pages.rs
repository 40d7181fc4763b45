//! Both pages: the API page, the links between the pages, the size of targets, and a proxy.

use serde_json::{Value, json};

use crate::console::scenes::{OWN_HOST, console, person};
use crate::console::support::browser::Browser;
use crate::console::support::proxy::Proxy;
use people_testing::process::Gateway;

/// The targets below 24 px (WCAG 2.2, 2.5.8), except links in sentences.
pub(crate) const SMALL_TARGETS: &str = "[...document.querySelectorAll(\
        'a[href], button, summary, select, input, textarea')]
    .filter((one) => one.getClientRects().length > 0 && \
        one.closest('.unseen, .kinds, .prose, dd, p:not([class])') === null)
    .map((one) => [one.getBoundingClientRect(), one.outerHTML.slice(0, 80)])
    .filter(([{ width, height }]) => width < 24 || height < 24).map(([, text]) => text)";

#[tokio::test]
async fn the_api_page_shows_every_call_except_the_files_of_pages() {
    let gateway = Gateway::ready(&[]).await;
    let description = gateway.call("GET", "/openapi.json", &Value::Null).await;
    let calls = description["paths"].as_object().expect("paths").values();
    let mut calls: Vec<&Value> = calls
        .flat_map(|path| path.as_object().expect("calls").values())
        .collect();
    calls.retain(|call| call["tags"] != json!(["Pages"]));
    calls.sort_by_key(|call| call["operationId"].as_str());
    let names: Vec<&Value> = calls.iter().map(|call| &call["operationId"]).collect();
    assert_eq!(names.len(), 9);
    let browser = Browser::open(&gateway.url("/docs")).await;
    let articles = "[...document.querySelectorAll('article[id]')].map(({ id }) => id)\
                 .filter((id) => !id.startsWith('schema-')).sort()";
    browser.shows("every call", articles, json!(names)).await;
    let dangling = "[...document.querySelectorAll('a[href^=\"#\"]')]\
                    .filter(({ hash }) => !document.getElementById(hash.slice(1))).length";
    browser
        .shows("links have targets", dangling, json!(0))
        .await;
    browser
        .shows("all files are from its own host", OWN_HOST, json!(true))
        .await;
    browser
        .shows("no target is too small", SMALL_TARGETS, json!([]))
        .await;
    browser.emulate_phone().await;
    browser
        .shows(
            "no target is too small on a phone",
            SMALL_TARGETS,
            json!([]),
        )
        .await;
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
}

#[tokio::test]
async fn all_targets_in_the_console_have_at_least_24_pixels() {
    let (gateway, browser) = console().await;
    browser
        .shows("without people", SMALL_TARGETS, json!([]))
        .await;
    let ada = gateway.create(&person("Ada", 36)).await;
    browser.people(&["Ada L"]).await;
    browser.click(&format!("#person-{ada}")).await;
    browser
        .shows(
            "in a form",
            "document.querySelector('dialog') !== null",
            json!(true),
        )
        .await;
    browser.shows("in a form", SMALL_TARGETS, json!([])).await;
    browser.emulate_phone().await;
    browser.shows("on a phone", SMALL_TARGETS, json!([])).await;
}

fn sorted<const N: usize>(mut texts: [String; N]) -> Vec<String> {
    texts.sort();
    texts.into()
}

#[tokio::test]
async fn both_pages_work_below_a_path_and_link_to_each_other() {
    let gateway = Gateway::ready(&[]).await;
    let proxy = Proxy::below_a_path(&gateway).await;
    let browser = Browser::open(&proxy.url("/")).await;
    browser.live().await;
    let loaded = format!(
        "performance.getEntriesByType('resource')\
         .filter(({{ name }}) => !name.startsWith({})).map(({{ name }}) => name)",
        json!(proxy.url("/"))
    );
    browser
        .shows("all files are below the path", &loaded, json!([]))
        .await;
    let terminal = format!(
        "[...document.querySelectorAll('.lines code')]\
         .every(({{ textContent }}) => textContent.includes({}))",
        json!(proxy.url("/").trim_start_matches("http"))
    );
    browser
        .shows("the lines for a terminal", &terminal, json!(true))
        .await;
    browser.click(".first-steps button:last-child").await;
    let summary = "document.querySelector('.summary strong').textContent";
    browser
        .shows("an import", summary, json!("1,000 people"))
        .await;
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
    browser.click(".people .primary").await;
    browser.fill("#field-firstName", "Ada").await;
    browser.fill("#field-lastName", "Below").await;
    browser.fill("#field-age", "36").await;
    browser.click("dialog .buttons .primary").await;
    browser
        .shows("a save", summary, json!("1,001 people"))
        .await;
    // Discards the browser's message about a form's focus.
    browser.console_entries().await;

    browser.click("header a[href=docs]").await;
    browser
        .shows("the API page", "location.pathname", json!("/gw/docs"))
        .await;
    let curl = format!(
        "document.querySelector('#readPerson .curl code')?.textContent.includes({})",
        json!(proxy.url("/people/"))
    );
    browser.shows("its curl line", &curl, json!(true)).await;
    browser
        .shows("all files are below the path", &loaded, json!([]))
        .await;
    let links = "[...document.querySelectorAll('.about a, .files a')].map(({ href }) => href)";
    let expected =
        ["/asyncapi.yaml", "/", "/openapi.json", "/asyncapi.yaml"].map(|path| proxy.url(path));
    browser
        .shows("links", &format!("{links}.sort()"), json!(sorted(expected)))
        .await;
    browser.click(".files a").await;
    browser.live().await;
    browser
        .shows("the console", "location.pathname", json!("/gw/"))
        .await;
    assert_eq!(browser.console_entries().await, Vec::<String>::new());
}

//! The console during an outage: the age of the table, few log lines, short waits.

use serde_json::{Value, json};

use crate::console::scenes::{console, person};

/// The notice above the table, without the time.
const OLD: &str = "document.querySelector('.notice.old')?.textContent.trim()\
                   .replace(/since .*?: /, 'since then: ') ?? null";
const TITLE: &str = "document.title.replace(/since .*? · /, 'since then · ')";

#[tokio::test]
async fn an_outdated_table_is_dim_and_shows_its_age() {
    let (mut gateway, browser) = console().await;
    gateway.create(&person("Ada", 36)).await;
    browser.people(&["Ada L"]).await;
    browser.shows("nothing is old", OLD, Value::Null).await;
    browser
        .shows("the title", "document.title", json!("People Gateway"))
        .await;
    let opacity = "Number(getComputedStyle(document.querySelector('.scroller table')).opacity)";
    browser.shows("it is bright", opacity, json!(1)).await;
    gateway.kill9();
    browser
        .shows(
            "the notice",
            OLD,
            json!("Not live since then: the table may be old."),
        )
        .await;
    browser
        .shows(
            "the tab's title",
            TITLE,
            json!("Not live since then · People Gateway"),
        )
        .await;
    browser
        .shows("it is dim", &format!("{opacity} < 1"), json!(true))
        .await;
    gateway.restart().await;
    browser.live().await;
    browser.shows("nothing is old", OLD, Value::Null).await;
    browser
        .shows("the title", "document.title", json!("People Gateway"))
        .await;
    browser.shows("it is bright", opacity, json!(1)).await;
}

#[tokio::test]
async fn equal_failures_are_one_line_with_a_count_and_waits_are_at_most_three_seconds() {
    let (mut gateway, browser) = console().await;
    gateway.kill9();
    let count = "Number(document.querySelector('.log li .count')?.textContent.slice(1) ?? 1)";
    // After eight attempts an unlimited backoff would exceed the limit.
    browser
        .shows("many attempts", &format!("{count} >= 8"), json!(true))
        .await;
    let lines = "[...document.querySelectorAll('.log li .type')]\
                 .filter((one) => one.textContent === 'disconnected').length";
    browser
        .shows("few lines", &format!("{lines} <= 3"), json!(true))
        .await;
    let waits = "Math.max(...[...document.querySelectorAll('.status .quiet')].map((one) => \
                 Number(/in (\\d+) s/.exec(one.textContent)?.[1] ?? 0)))";
    browser
        .shows("a short wait", &format!("{waits} <= 3"), json!(true))
        .await;
    gateway.restart().await;
    browser.live().await;
}

#[tokio::test]
async fn a_page_that_becomes_visible_connects_at_once() {
    let (mut gateway, browser) = console().await;
    gateway.kill9();
    browser
        .shows(
            "it waits",
            "document.querySelector('.status').dataset.state",
            json!("waiting"),
        )
        .await;
    // Long timers never fire from now on. Short timers fire, because they draw the page.
    let sleep = "const real = window.setTimeout;
        window.setTimeout = (action, ms) => (ms > 150 ? 0 : real(action, ms));
        document.querySelector('.status button').click();";
    browser.run(sleep).await;
    let overdue = "/ 0 s/.test(document.querySelector('.status .quiet')?.textContent)";
    browser
        .shows("the next attempt is overdue", overdue, json!(true))
        .await;
    gateway.restart().await;
    // An attempt that is refused now would be the last one.
    gateway.wait_ready().await;
    browser
        .shows(
            "it waits",
            "document.querySelector('.status').dataset.state",
            json!("waiting"),
        )
        .await;
    browser
        .run("document.dispatchEvent(new Event('visibilitychange'))")
        .await;
    browser.live().await;
}

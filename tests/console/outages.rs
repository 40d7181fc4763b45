//! What the page shows while it is cut off: how old it is, and no more lines than there is to say.

use serde_json::{Value, json};

use crate::scenes::{console, person};

/// The line on top of the table, without the time in it.
const OLD: &str = "document.querySelector('.notice.old')?.textContent.trim()\
                   .replace(/since .*?: /, 'since then: ') ?? null";
const TITLE: &str = "document.title.replace(/since .*? · /, 'since then · ')";

#[tokio::test]
async fn what_may_be_old_looks_old_and_says_since_when() {
    let (mut gateway, browser) = console().await;
    gateway.save(&person("Ada", 36)).await;
    browser.people(&["Ada L"]).await;
    browser.shows("nothing is old", OLD, Value::Null).await;
    browser
        .shows("the title", "document.title", json!("People Gateway"))
        .await;
    let opacity = "Number(getComputedStyle(document.querySelector('.scroller table')).opacity)";
    browser.shows("it is bright", opacity, json!(1)).await;
    gateway.kill();
    browser
        .shows(
            "it says so",
            OLD,
            json!("Not live since then: what you see may be old."),
        )
        .await;
    browser
        .shows(
            "the tab says so",
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
async fn attempts_that_fail_alike_are_one_line_with_a_count_and_wait_no_longer_than_three_seconds()
{
    let (mut gateway, browser) = console().await;
    // What the client says of each attempt, beside what the log shows of them.
    gateway.kill();
    let count = "Number(document.querySelector('.log li .count')?.textContent.slice(1) ?? 1)";
    // More than that many attempts, each wait would be longer than the limit if there were none.
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
async fn a_page_that_is_looked_at_again_tries_at_once() {
    let (mut gateway, browser) = console().await;
    gateway.kill();
    browser
        .shows(
            "it waits",
            "document.querySelector('.status').dataset.state",
            json!("waiting"),
        )
        .await;
    // From now on long waits never end by themselves; short ones are what the page is drawn by.
    let sleep = "const real = window.setTimeout;
        window.setTimeout = (action, ms) => (ms > 150 ? 0 : real(action, ms));
        document.querySelector('.status button').click();";
    browser.run(sleep).await;
    let overdue = "/ 0 s/.test(document.querySelector('.status .quiet')?.textContent)";
    browser
        .shows("the next attempt is overdue", overdue, json!(true))
        .await;
    gateway.restart().await;
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

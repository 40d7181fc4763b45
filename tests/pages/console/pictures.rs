//! Takes the pictures of the console for the documents (`scripts/pictures.sh`); tests nothing.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::console::support::browser::Browser;
use people_testing::process::Gateway;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Imports the people from examples/.
fn import(gateway: &Gateway) {
    let mut command = Command::new(people_testing::program());
    command
        .args(["import", "examples/people.csv", "--list", "tags"])
        .current_dir(ROOT);
    let output = command
        .env("PEOPLE_GATEWAY_URL", gateway.url(""))
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{output:?}");
}

/// Adds, changes and removes people in the view, slowly enough for the chart.
async fn live(gateway: &Gateway) {
    let list = |filter: &str| format!("/people?where={filter}");
    let inside = gateway
        .call(
            "GET",
            &list("attributes.city+%3D%3D+%22Oslo%22+%26%26+age+%3E%3D+30"),
            &Value::Null,
        )
        .await;
    let outside = gateway
        .call(
            "GET",
            &list("attributes.city+%3D%3D+%22Paris%22+%26%26+age+%3E%3D+30"),
            &Value::Null,
        )
        .await;
    let path = |people: &Value, turn: usize| {
        format!(
            "/people/{}",
            people[turn]["id"].as_str().expect("enough people")
        )
    };
    let mut pace = tokio::time::interval(Duration::from_millis(300));
    for turn in 0..24 {
        pace.tick().await;
        let move_to = |city: &str| json!({"attributes": {"city": city}});
        gateway
            .call("PATCH", &path(&outside, turn), &move_to("Oslo"))
            .await;
        match turn % 3 {
            0 => {
                gateway
                    .call("PATCH", &path(&inside, turn), &move_to("Paris"))
                    .await
            }
            1 => {
                gateway
                    .call("PATCH", &path(&inside, turn), &json!({"age": 30 + turn}))
                    .await
            }
            _ => {
                gateway
                    .call("DELETE", &path(&inside, turn), &Value::Null)
                    .await
            }
        };
    }
}

#[tokio::test]
#[ignore = "writes docs/console-light.png and docs/console-dark.png: scripts/pictures.sh"]
async fn take_the_pictures_of_the_console() {
    for theme in ["light", "dark"] {
        let gateway = Gateway::ready(&[]).await;
        import(&gateway);
        let filter = "attributes.city+%3D%3D+%22Oslo%22+%26%26+age+%3E%3D+30";
        let browser = Browser::open(&gateway.url(&format!("/#where={filter}"))).await;
        browser.live().await;
        let format = "for (const element of document.querySelectorAll('*')) \
                     element.style.scrollbarWidth = 'none';";
        browser
            .run(&format!(
                "{format} document.documentElement.dataset.theme = '{theme}'; \
                 dispatchEvent(new Event('theme'))"
            ))
            .await;
        live(&gateway).await;
        browser
            .picture(&Path::new(ROOT).join(format!("docs/console-{theme}.png")))
            .await;
    }
}

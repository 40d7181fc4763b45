//! The text format with `where`: people enter the view, are updated in it and leave it.

use serde_json::{Value, json};

use people_testing::process::{Gateway, person};
use people_testing::socket::{End, Listener};

async fn listen(gateway: &Gateway, filter: &str, more: &str) -> Listener {
    let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    gateway.listen(&format!("?where={filter}{more}")).await
}

fn aged(age: u8) -> Value {
    let mut ada = person("Ada");
    ada["age"] = json!(age);
    ada
}

fn saved(id: &str, age: u8) -> String {
    format!(
        "Saved person [{id}] Person(id={id}, firstName=Ada, lastName=Lovelace, age={age}, \
         job=Mathematician)"
    )
}

#[tokio::test]
async fn a_client_gets_saves_leaves_and_deletes_of_people_in_its_view() {
    for partitions in ["1", "4"] {
        let gateway = Gateway::ready(&[("store.partitions", partitions)]).await;
        let mut adults = listen(&gateway, "age >= 18", "").await;
        let id = gateway.create(&aged(17)).await;
        for age in [18, 18, 17, 3, 40] {
            assert_eq!(gateway.put(&id, &aged(age), false).await, 200);
        }
        assert_eq!(gateway.delete(&id).await, 204);
        assert_eq!(gateway.put(&id, &aged(20), true).await, 201);
        assert_eq!(gateway.put(&id, &aged(2), false).await, 200);
        assert_eq!(gateway.delete(&id).await, 204);
        let end = gateway.create(&aged(99)).await;
        for expected in [
            saved(&id, 18),
            saved(&id, 18),
            format!("Left person [{id}]"),
            saved(&id, 40),
            format!("Deleted person [{id}]"),
            saved(&id, 20),
            format!("Left person [{id}]"),
        ] {
            assert_eq!(adults.sentence().await, expected);
        }
        if partitions == "1" {
            assert_eq!(
                adults.sentence().await,
                saved(&end, 99),
                "a person that had left the view is not reported as deleted"
            );
        } else {
            assert!(
                adults.until(&end).await.is_empty(),
                "a person that had left the view is not reported as deleted"
            );
        }
    }
}

#[tokio::test]
async fn commands_change_the_kinds_and_keep_the_filter() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = listen(&gateway, "attributes.team == 'red'", "&kinds=deletes").await;
    let mut red = person("Red");
    red["attributes"] = json!({"team": "red"});
    for round in 0..3 {
        let (red, blue) = (
            gateway.create(&red).await,
            gateway.create(&person("Blue")).await,
        );
        assert_eq!(gateway.delete(&blue).await, 204);
        assert_eq!(gateway.delete(&red).await, 204);
        assert_eq!(
            listener.sentence().await,
            format!("Deleted person [{red}]"),
            "round {round}"
        );
    }
    listener.say("saves").await;
    let (save, saved_id) = loop {
        let id = gateway.create(&red).await;
        let blue = gateway.create(&person("Blue")).await;
        assert_eq!(gateway.put(&id, &person("Blue"), false).await, 200);
        let (end, _) = (gateway.create(&red).await, gateway.delete(&blue).await);
        assert_eq!(gateway.delete(&end).await, 204);
        // Until the command has taken effect, only deletes arrive.
        let sentence = listener.sentence().await;
        if sentence.starts_with("Saved") {
            break (sentence, id);
        }
        assert_eq!(sentence, format!("Deleted person [{end}]"));
    };
    assert!(save.contains(&saved_id), "{save}");
    assert_eq!(
        listener.sentence().await,
        format!("Left person [{saved_id}]")
    );
    listener.say("stop").await;
    assert_eq!(listener.end().await, End::Closed(1000, String::new()));
}

#[tokio::test]
async fn every_client_gets_its_own_view() {
    let gateway = Gateway::ready(&[]).await;
    let filters = [
        ("age % 1", None),
        ("age < 5", Some([0, 1, 2, 3, 4].as_slice())),
        ("5>age", Some(&[0, 1, 2, 3, 4])),
        ("age in [9, 3]", Some(&[3, 9])),
        (
            "!(age > 0) || age == 7 && firstName.startsWith('A')",
            Some(&[0, 7]),
        ),
        ("false", Some(&[])),
        ("", Some(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])),
    ];
    let mut listeners = Vec::new();
    for (filter, ages) in filters {
        let Some(ages) = ages else {
            let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
            assert_eq!(
                Listener::refused(gateway.address, &format!("/people?where={filter}")).await,
                400
            );
            continue;
        };
        let all = format!(
            "({}) || job == 'End'",
            if filter.is_empty() { "true" } else { filter }
        );
        listeners.push((listen(&gateway, &all, "").await, ages));
    }
    let mut ids = Vec::new();
    for age in 0..10 {
        ids.push(gateway.create(&aged(age)).await);
    }
    let mut end = person("End");
    end["job"] = json!("End");
    gateway.create(&end).await;
    for (mut listener, ages) in listeners {
        let expected: Vec<_> = ages
            .iter()
            .map(|age| saved(&ids[usize::from(*age)], *age))
            .collect();
        assert_eq!(listener.until("job=End").await, expected);
    }
}

#[tokio::test]
async fn close_on_waits_for_a_change_in_the_view() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = listen(&gateway, "age == 50", "&close_on=save").await;
    gateway.create(&aged(49)).await;
    let id = gateway.create(&aged(50)).await;
    assert_eq!(listener.sentence().await, saved(&id, 50));
    assert_eq!(listener.end().await, End::Closed(1000, String::new()));
}

#[tokio::test]
async fn the_handshake_refuses_an_invalid_filter_with_a_problem() {
    let gateway = Gateway::ready(&[]).await;
    let url = format!(
        "http://{}/updates?where=age+%3D%3D+%22x%22",
        gateway.address
    );
    let request = reqwest::Client::new()
        .get(url)
        .header("connection", "upgrade")
        .header("upgrade", "websocket");
    let request = request
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "MDEyMzQ1Njc4OWFiY2RlZg==");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 400);
    let problem: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
    assert_eq!(
        (&problem["type"], &problem["offset"], &problem["length"]),
        (&json!("/problems/filter"), &json!(7), &json!(3))
    );
}

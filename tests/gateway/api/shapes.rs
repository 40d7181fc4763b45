//! The schemas of the description: examples fit them, people have their fields, and the gateway
//! applies their limits.

use serde_json::{Value, json};

use super::description::Description;
use crate::ADA;
use people_testing::http::Gateway;

#[tokio::test]
async fn every_example_fits_its_schema() {
    let gateway = Gateway::start().await;
    let description = Description::of(&gateway).await;
    let mut count = 0;
    let mut check = |what: &str, schema: &Value, example: &Value| {
        assert_eq!(description.faults(schema, example), "", "{what}: {example}");
        count += 1;
    };
    for (path, calls) in description.paths() {
        for (method, call) in calls.as_object().expect("calls") {
            let what = format!("{method} {path}");
            let answers = call["responses"].as_object().expect("answers").values();
            let bodies = answers.chain(call.get("requestBody"));
            for content in bodies
                .filter_map(|body| description.resolve(body)["content"].as_object())
                .flat_map(|contents| contents.values())
            {
                let many = content["examples"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(_, example)| &example["value"]);
                for example in content.get("example").into_iter().chain(many) {
                    check(&what, &content["schema"], example);
                }
            }
            for parameter in call["parameters"].as_array().into_iter().flatten() {
                let parameter = description.resolve(parameter);
                check(&what, &parameter["schema"], &parameter["example"]);
            }
        }
    }
    assert!(count > 100, "{count}");
}

#[tokio::test]
async fn a_person_has_the_fields_that_are_described_and_no_other() {
    let gateway = Gateway::start().await;
    let description = Description::of(&gateway).await;
    let mut body: Value = serde_json::from_str(ADA).expect("JSON");
    body["attributes"] = json!({"city": "London"});
    let person = gateway
        .send("POST", "/people", &body.to_string())
        .await
        .json();
    let fields = |value: &Value| {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        fields(&person),
        fields(&description.schema("Person")["properties"])
    );
}

#[tokio::test]
async fn the_gateway_applies_the_limits_of_the_description() {
    let gateway = Gateway::start().await;
    let description = Description::of(&gateway).await;
    let properties = description.schema("NewPerson")["properties"]
        .as_object()
        .expect("fields");
    let mut count = 0;
    for (field, schema) in properties {
        let text = |length: u64| Value::from("å".repeat(usize::try_from(length).expect("short")));
        let mut values = Vec::new();
        if let Some(most) = schema["maxLength"].as_u64() {
            let least = schema["minLength"].as_u64().unwrap_or(0);
            values.extend([(text(least), 201), (text(most), 201), (text(most + 1), 422)]);
            values.extend((least > 0).then(|| (text(least - 1), 422)));
        }
        if let (Some(least), Some(most)) = (schema["minimum"].as_i64(), schema["maximum"].as_i64())
        {
            values.extend(
                [(least, 201), (most, 201), (least - 1, 422), (most + 1, 422)]
                    .map(|(n, s)| (json!(n), s)),
            );
        }
        for (value, status) in values {
            let mut body: Value = serde_json::from_str(ADA).expect("JSON");
            body[field] = value;
            let answer = gateway.send("POST", "/people", &body.to_string()).await;
            assert_eq!(answer.status, status, "{body}");
            count += 1;
        }
    }
    assert_eq!(count, 4 + 4 + 4 + 3, "first name, last name, age, job");
    let limit = &description.paths()["/people"]["get"]["parameters"][1];
    let limits = &description.resolve(limit)["schema"];
    let (least, most) = (
        limits["minimum"].as_i64().expect("least"),
        limits["maximum"].as_i64().expect("most"),
    );
    for (value, status) in [(least, 200), (most, 200), (least - 1, 400), (most + 1, 400)] {
        assert_eq!(
            gateway.get(&format!("/people?limit={value}")).await.status,
            status,
            "{value}"
        );
    }
}

#[tokio::test]
async fn attributes_may_be_as_deep_as_the_description_says() {
    let gateway = Gateway::start().await;
    let description = Description::of(&gateway).await;
    let lists = |levels| (1..levels).fold(json!([]), |within, _| json!([within]));
    let objects = |levels| (1..levels).fold(json!({}), |within, _| json!({ "a": within }));
    let most = description.schema("Attributes")["x-levels-max"]
        .as_u64()
        .expect("a number");
    for (levels, status) in [(2, 201), (most, 201), (most + 1, 422)] {
        for attributes in [objects(levels), json!({ "a": lists(levels - 1) })] {
            let mut body: Value = serde_json::from_str(ADA).expect("JSON");
            body["attributes"] = attributes;
            // A schema cannot count levels, so the description has a number for them.
            assert_eq!(
                description.faults(description.schema("NewPerson"), &body),
                "",
                "{body}"
            );
            assert_eq!(
                gateway
                    .send("POST", "/people", &body.to_string())
                    .await
                    .status,
                status,
                "{body}"
            );
        }
    }
}

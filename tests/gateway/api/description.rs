//! `/openapi.json` as an oracle: checks whether it describes an answer.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use people_testing::http::{Answer, Gateway};

/// Headers of many answers, which the description leaves out.
const COMMON: [&str; 14] = [
    "allow",
    "connection",
    "content-length",
    "content-type",
    "cross-origin-resource-policy",
    "date",
    "referrer-policy",
    "transfer-encoding",
    "x-accel-buffering",
    "x-content-type-options",
    "x-request-id",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "vary",
];

/// The description, and the answers that were seen.
pub(crate) struct Description {
    document: Value,
    seen: BTreeSet<(String, String)>,
}

impl Description {
    /// The description that this gateway serves.
    pub(crate) async fn of(gateway: &Gateway) -> Self {
        Self::new(gateway.get("/openapi.json").await.json())
    }

    /// The problem with this name among the examples of a call's answer, without its instance.
    #[track_caller]
    pub(crate) fn problem(&self, method: &str, path: &str, status: u16, name: &str) -> Value {
        let call = &self.document["paths"][path][method.to_lowercase()];
        let response = self.resolve(&call["responses"][status.to_string()]);
        let examples = &response["content"]["application/problem+json"]["examples"];
        let mut problem = examples[name]["value"].clone();
        let members = problem.as_object_mut();
        let members = members.unwrap_or_else(|| panic!("{method} {path} {status} has no {name}"));
        members.shift_remove("instance");
        problem
    }

    pub(crate) fn new(document: Value) -> Self {
        Self {
            document,
            seen: BTreeSet::new(),
        }
    }

    /// Paths, each with its calls by method in lower case.
    pub(crate) fn paths(&self) -> &Map<String, Value> {
        self.document["paths"].as_object().expect("paths")
    }

    pub(crate) fn schema(&self, name: &str) -> &Value {
        &self.document["components"]["schemas"][name]
    }

    /// All described answers: `(name of the call, status)`.
    pub(crate) fn described(&self) -> BTreeSet<(String, String)> {
        let calls = self
            .paths()
            .values()
            .flat_map(|item| item.as_object().expect("calls").values());
        calls
            .flat_map(|call| {
                let name = call["operationId"].as_str().expect("a name").to_owned();
                let statuses = call["responses"].as_object().expect("answers").keys();
                statuses
                    .map(move |status| (name.clone(), status.clone()))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// The answers that were checked so far.
    pub(crate) fn seen(&self) -> &BTreeSet<(String, String)> {
        &self.seen
    }

    /// Asserts that the description has this answer for a call to one of its paths.
    #[track_caller]
    pub(crate) fn check(&mut self, method: &str, path: &str, answer: &Answer) {
        let what = format!("{method} {path}: {answer:?}");
        let call = &self.document["paths"][path][method.to_lowercase()];
        let name = call["operationId"]
            .as_str()
            .unwrap_or_else(|| panic!("not described: {what}"))
            .to_owned();
        let status = answer.status.to_string();
        let response = call["responses"]
            .get(&status)
            .unwrap_or_else(|| panic!("status not described: {what}"));
        let response = self.resolve(response);
        for (header, value) in &answer.headers {
            self.check_header(
                response,
                header.as_str(),
                value.to_str().expect("ASCII"),
                &what,
            );
        }
        self.check_body(response, answer, &what);
        self.seen.insert((name, status));
    }

    #[track_caller]
    fn check_header(&self, response: &Value, header: &str, value: &str, what: &str) {
        if COMMON.contains(&header) {
            return;
        }
        let described = response["headers"].as_object().into_iter().flatten();
        let found = described
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(header));
        let (_, found) = found.unwrap_or_else(|| panic!("header {header} not described: {what}"));
        let faults = self.faults(&self.resolve(found)["schema"], &Value::from(value));
        assert_eq!(faults, "", "header {header}: {what}");
    }

    #[track_caller]
    fn check_body(&self, response: &Value, answer: &Answer, what: &str) {
        let Some(contents) = response.get("content") else {
            assert_eq!(answer.body, "", "a body is not described: {what}");
            return;
        };
        let media = answer
            .header("content-type")
            .unwrap_or_else(|| panic!("no type: {what}"));
        let content = contents
            .get(media)
            .unwrap_or_else(|| panic!("type {media} not described: {what}"));
        if content["x-stream"] == true {
            return;
        }
        let body = if media.ends_with("json") && media != "application/x-ndjson" {
            answer.json()
        } else {
            Value::from(answer.body.as_str())
        };
        if media != "application/yaml" {
            assert_eq!(self.faults(&content["schema"], &body), "", "{what}");
        }
        if media == "application/problem+json" {
            let examples = content["examples"].as_object().expect("examples").values();
            let described = examples
                .map(|example| &example["value"])
                .any(|known| known["type"] == body["type"] && known["title"] == body["title"]);
            assert!(described, "no such problem is described: {what}");
            assert_eq!(body["status"], answer.status, "{what}");
        }
    }

    /// The faults of a value by a schema of this description; empty where it has none.
    pub(crate) fn faults(&self, schema: &Value, value: &Value) -> String {
        let mut root = schema.clone();
        root["components"] = self.document["components"].clone();
        let validator = jsonschema::draft202012::new(&root).expect("a schema");
        let faults: Vec<String> = validator
            .iter_errors(value)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        faults.join("; ")
    }

    /// The part that a reference names, or the part itself.
    pub(crate) fn resolve<'d>(&'d self, part: &'d Value) -> &'d Value {
        match part["$ref"].as_str() {
            Some(reference) => self
                .document
                .pointer(&reference[1..])
                .expect("references name a part"),
            None => part,
        }
    }
}

//! Calls to a gateway: REST for people, and a WebSocket for live updates.

use serde_json::{Value, json};

use super::Gateway;
use crate::socket::Listener;
use crate::wait::eventually;

impl Gateway {
    /// A request to the public listener.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request_as(self.token.as_deref(), method, path)
    }

    /// A request of a caller with this token, or without one.
    pub fn request_as(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
    ) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, self.url(path));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Saves a person under this id; tries again until the gateway accepts the save.
    pub async fn save(&self, id: &str, person: &Value) {
        eventually("the person is saved", || async {
            let answer = self.put(id, person, true).await;
            if answer == 412 {
                self.put(id, person, false).await == 200
            } else {
                answer == 201
            }
        })
        .await;
    }

    /// Imports lines of people, and returns the text of the answer.
    pub async fn import(&self, lines: String) -> String {
        let import = self
            .request("POST", "/people/import")
            .header("content-type", "application/x-ndjson");
        let answer = import.body(lines).send().await.expect("an answer");
        answer.text().await.expect("text")
    }

    /// Sends one `PUT`. Returns the status, or 0 without an answer.
    pub async fn put(&self, id: &str, person: &Value, new: bool) -> u16 {
        let mut request = self
            .request("PUT", &format!("/people/{id}"))
            .header("content-type", "application/json");
        if new {
            request = request.header("if-none-match", "*");
        }
        request
            .body(person.to_string())
            .send()
            .await
            .map_or(0, |answer| answer.status().as_u16())
    }

    /// Creates a person, and returns the id.
    pub async fn create(&self, person: &Value) -> String {
        let saved = self.call("POST", "/people", person).await;
        saved["id"].as_str().expect("an id").to_owned()
    }

    /// Makes a call that must succeed. Returns the JSON of the answer, or null without one. A null
    /// `body` sends none.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request
            .send()
            .await
            .expect("an answer")
            .error_for_status()
            .expect("a success");
        serde_json::from_str(&answer.text().await.expect("text")).unwrap_or(Value::Null)
    }

    /// Deletes a person. Returns the status, or 0 without an answer.
    pub async fn delete(&self, id: &str) -> u16 {
        let answer = self
            .request("DELETE", &format!("/people/{id}"))
            .send()
            .await;
        answer.map_or(0, |answer| answer.status().as_u16())
    }

    /// Opens a WebSocket at `/people` with this query.
    pub async fn listen(&self, query: &str) -> Listener {
        Listener::open(self.address, &format!("/people{query}")).await
    }
}

/// A person named `first`.
pub fn person(first: &str) -> Value {
    json!({"firstName": first, "lastName": "Lovelace", "age": 36, "job": "Mathematician"})
}

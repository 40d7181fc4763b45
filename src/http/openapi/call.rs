//! How a call is described: what it takes, what it answers, what it refuses. Thin words around utoipa's builders.

use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{Content, Ref, RefOr, Required, Schema};

use super::refusals::{Refusal, responses};

pub(super) const PEOPLE: &str = "People";
pub(super) const LIVE: &str = "Live updates";
pub(super) const PAGES: &str = "Pages";

/// A call under construction.
pub(super) struct Call {
    operation: OperationBuilder,
    refusals: Vec<Refusal>,
}

impl Call {
    /// A call by its group, its name for programs, and what it is for in a few words.
    pub(super) fn new(tag: &str, name: &str, summary: &str) -> Self {
        let operation = OperationBuilder::new().tag(tag).operation_id(Some(name)).summary(Some(summary));
        // Whatever is called may be called by another host's name.
        Self { operation, refusals: vec![Refusal::Host] }
    }

    /// All that there is to know, in paragraphs.
    pub(super) fn text(self, text: &str) -> Self {
        self.with(|operation| operation.description(Some(text)))
    }

    /// Takes these parameters, by their names among the components.
    pub(super) fn takes(self, parameters: &[&str]) -> Self {
        let references = parameters.iter().map(|name| Ref::new(format!("#/components/parameters/{name}")));
        self.with(|operation| references.fold(operation, OperationBuilder::parameter_ref))
    }

    /// Takes a body, of one of these types.
    pub(super) fn body<const N: usize>(self, text: &str, contents: [(&str, Content); N]) -> Self {
        let body = RequestBodyBuilder::new().description(Some(text)).required(Some(Required::True));
        let body = contents.into_iter().fold(body, |body, (media, content)| body.content(media, content));
        self.with(|operation| operation.request_body(Some(body.build())))
    }

    /// Answers this.
    pub(super) fn answers(self, status: &str, answer: Answer) -> Self {
        self.with(|operation| operation.response(status, answer.0))
    }

    /// Refuses for these reasons too.
    pub(super) fn refuses(mut self, refusals: &[Refusal]) -> Self {
        self.refusals.extend_from_slice(refusals);
        self
    }

    /// Is a stream: it does not end by itself, and tools that wait for the end leave it out.
    pub(super) fn stream(self) -> Self {
        self.with(|operation| operation.extensions(Some(stream())))
    }

    /// The description.
    pub(super) fn build(self) -> Operation {
        let refused = responses(&self.refusals).into_iter();
        refused.fold(self.operation, |operation, (status, response)| operation.response(status, response)).build()
    }

    fn with(self, change: impl FnOnce(OperationBuilder) -> OperationBuilder) -> Self {
        Self { operation: change(self.operation), refusals: self.refusals }
    }
}

/// An answer under construction.
pub(super) struct Answer(ResponseBuilder);

impl Answer {
    pub(super) fn new(text: &str) -> Self {
        Self(ResponseBuilder::new().description(text))
    }

    /// Carries these headers, by their names among the components.
    pub(super) fn headers(self, names: &[&str]) -> Self {
        let with = |answer: ResponseBuilder, name: &&str| {
            answer.header_ref(*name, Ref::new(format!("#/components/headers/{name}")))
        };
        Self(names.iter().fold(self.0, with))
    }

    pub(super) fn content(self, media: &str, content: Content) -> Self {
        Self(self.0.content(media, content))
    }

    /// Leads to the calls about the person in it.
    pub(super) fn leads_to_the_person(self) -> Self {
        let link = |answer: ResponseBuilder, name: &str| {
            answer.link(name, LinkBuilder::new().operation_id(name).parameter("id", "$response.body#/id").build())
        };
        Self(["readPerson", "replacePerson", "patchPerson", "deletePerson"].into_iter().fold(self.0, link))
    }
}

/// A body: of what shape, and one that is real.
pub(super) fn content(schema: impl Into<RefOr<Schema>>, example: Value) -> Content {
    ContentBuilder::new().schema(Some(schema)).example(Some(example)).build()
}

/// The same for a stream.
pub(super) fn stream_content(schema: impl Into<RefOr<Schema>>, example: &str) -> Content {
    ContentBuilder::new().schema(Some(schema)).example(Some(json!(example))).extensions(Some(stream())).build()
}

/// The shape of this name among the components.
pub(super) fn shape(name: &str) -> Ref {
    Ref::from_schema_name(name)
}

fn stream() -> Extensions {
    Extensions::from_iter([("x-stream", true)])
}

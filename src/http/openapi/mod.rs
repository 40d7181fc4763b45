//! What `/openapi.json` says: the calls of the public listener, as an OpenAPI 3.1 description.
//!
//! It stands apart from the handlers, which would drown in it. That it is true is proved from outside: a test compares it
//! with the router's paths and holds real answers against it, and schemathesis calls the gateway by it.

mod call;
mod examples;
mod headers;
mod import;
mod live;
mod pages;
mod parameters;
mod reads;
mod refusals;
mod schemas;
mod writes;

use utoipa::openapi::path::{HttpMethod, Operation, PathsBuilder};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem};

const ABOUT: &str = "\
People are saved and deleted here, and whoever chose to see them is told at once: see **Live updates**.

- **Refusals** are problem documents (RFC 9457): `type` names the kind, `detail` says what to do about it, `instance` is the \
request's id, which every answer carries in `x-request-id`.
- **HEAD** works where GET does, and answers the same without a body. Any other method is 405 with `Allow`.
- **Query parameters** that a call does not know are refused: a mistyped `where` must not show everyone.
- **Limits** named here are the defaults; the operator may have set others.
- **Pages of other origins** may call when the operator listed them (`http.origins`); preflights are answered by that list. Pages of \
the same machine may call a gateway that listens on loopback without authentication.
- **Hosts.** Such a gateway answers to `localhost` and to addresses only, and any gateway to the names of `http.hosts` where there are \
some; otherwise 421.
- **Requests that are not HTTP/1.1** are refused with a problem document, too (400, 408, 414, 431, 505).

The messages of live updates are described for tools in [asyncapi.yaml](asyncapi.yaml).";

/// The description.
pub fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("People Gateway")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()))
        .build();
    let tag = |name, text| TagBuilder::new().name(name).description(Some(text)).build();
    OpenApiBuilder::new()
        .info(info)
        // Relative to where the description was read, so that it also holds where a proxy serves the gateway below a path.
        .servers(Some([ServerBuilder::new().url(".").description(Some("The gateway that serves this.")).build()]))
        .security(Some([]))
        .tags(Some([
            tag(call::PEOPLE, "Reading and writing people."),
            tag(call::LIVE, "Streams of what happens to the people who match a filter."),
            tag(call::PAGES, "The console, this description, and how it is shown."),
        ]))
        .paths(paths().build())
        .components(Some(schemas::components()))
        .build()
}

/// The description as JSON, as it is served.
pub fn compact() -> String {
    document().to_json().expect("a description is made of texts and numbers")
}

/// The same, to be read by people.
pub fn pretty() -> String {
    document().to_pretty_json().expect("a description is made of texts and numbers")
}

fn paths() -> PathsBuilder {
    use HttpMethod::{Delete, Get, Patch, Post, Put};
    PathsBuilder::new()
        .path("/people", item([(Get, reads::list()), (Post, writes::create())]))
        .path("/people/import", item([(Post, import::import())]))
        .path(
            "/people/{id}",
            item([
                (Get, reads::read()),
                (Put, writes::replace()),
                (Patch, writes::patch()),
                (Delete, writes::delete()),
            ]),
        )
        .path("/updates", item([(Get, live::updates())]))
        .path("/", item([(Get, pages::console())]))
        .path("/console/{file}", item([(Get, pages::console_file())]))
        .path("/console/{folder}/{file}", item([(Get, pages::console_inner_file())]))
        .path("/docs", item([(Get, pages::api_page())]))
        .path("/docs/{file}", item([(Get, pages::api_page_file())]))
        .path("/docs/{folder}/{file}", item([(Get, pages::api_page_inner_file())]))
        .path("/openapi.json", item([(Get, pages::openapi())]))
        .path("/asyncapi.yaml", item([(Get, pages::asyncapi())]))
}

fn item<const N: usize>(operations: [(HttpMethod, Operation); N]) -> PathItem {
    let mut item = PathItem::default();
    for (method, operation) in operations {
        let one = PathItem::new(method, operation);
        item.merge_operations(one);
    }
    item
}

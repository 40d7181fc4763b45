//! The shapes of what is sent and answered, and the components that calls refer to.

use serde_json::{Value, json};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Components, ComponentsBuilder, RefOr, Schema};

use super::call::shape;
use super::{examples, headers, parameters, refusals};
use crate::domain::MAX_ATTRIBUTES_DEPTH;

/// A position: epoch and tag in hex, the number between them in decimal.
const POSITION: &str = r"[0-9a-f]{1,16}\.(0|[1-9][0-9]*)\.[0-9a-f]{1,16}";
/// As the gateway writes them.
const TIME: &str = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$";

/// All that is referred to.
pub(super) fn components() -> Components {
    let schemas: [(&str, RefOr<Schema>); 12] = [
        ("Id", id()),
        ("Revision", revision()),
        ("At", at()),
        ("Person", person()),
        ("NewPerson", new()),
        ("PersonDraft", draft()),
        ("PersonPatch", patch()),
        ("Attributes", attributes()),
        ("AttributeValue", attribute_value()),
        ("ImportRefusal", import_refusal()),
        ("ImportTotal", import_total()),
        ("Problem", problem()),
    ];
    let components = ComponentsBuilder::new();
    let components = schemas.into_iter().fold(components, |components, (name, schema)| components.schema(name, schema));
    let components = parameters::all().into_iter().fold(components, |all, (name, one)| all.parameter(name, one));
    headers::all().into_iter().fold(components, |all, (name, one)| all.header(name, one)).build()
}

/// A text, by this pattern if there is one.
pub(super) fn string(text: &str, pattern: Option<&str>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(text)).pattern(pattern)
}

/// A text in this format.
pub(super) fn formatted(schema: ObjectBuilder, name: &str) -> ObjectBuilder {
    schema.format(Some(SchemaFormat::Custom(name.to_owned())))
}

/// A whole number within limits.
pub(super) fn integer(text: &str, least: usize, most: Option<usize>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).description(Some(text)).minimum(Some(least)).maximum(most)
}

/// A text of so many code points.
fn bounded(text: &str, least: usize, most: usize) -> ObjectBuilder {
    string(text, None).min_length((least > 0).then_some(least)).max_length(Some(most))
}

fn id() -> RefOr<Schema> {
    let text = "A UUID, written in lower case; version 7 when the gateway made it.";
    formatted(string(text, None), "uuid").examples([examples::ID]).into()
}

fn revision() -> RefOr<Schema> {
    let text = "The position of the person's last change: `EPOCH.SEQ.TAG`.";
    string(text, Some(&format!("^{POSITION}$"))).examples([examples::REVISION]).into()
}

fn at() -> RefOr<Schema> {
    let text = "Where a change stands: `PARTITION:POSITION`.";
    string(text, Some(&format!("^[0-9]+:{POSITION}$"))).examples([examples::AT]).into()
}

/// The fields that are the caller's.
fn own_fields(object: ObjectBuilder) -> ObjectBuilder {
    object
        .property("firstName", bounded("1 to 200 code points.", 1, 200))
        .property("lastName", bounded("1 to 200 code points.", 1, 200))
        .property("age", integer("In years, a whole number (JSON Schema: `36.0` is one).", 0, Some(150)))
        .property("job", bounded("0 to 200 code points.", 0, 200))
}

/// What a body may say of a field that is the gateway's.
fn ignored(object: ObjectBuilder, name: &str) -> ObjectBuilder {
    let text = "Accepted and ignored, so that what was read can be sent back.";
    object.property(name, ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(text)))
}

fn person() -> RefOr<Schema> {
    let time = |text| formatted(string(text, Some(TIME)), "date-time");
    let object = own_fields(ObjectBuilder::new().property("id", shape("Id")))
        .property("attributes", shape("Attributes"))
        .property("revision", shape("Revision"))
        .property("createdAt", time("When the person was saved first, by the clock of the gateway that wrote it."))
        .property("updatedAt", time("When the person was saved last."));
    let required = ["id", "firstName", "lastName", "age", "job", "revision", "createdAt", "updatedAt"];
    required.into_iter().fold(object, ObjectBuilder::required).examples([examples::person()]).into()
}

fn new() -> RefOr<Schema> {
    let text = "The caller's own fields; what is the gateway's may stand beside them.";
    with_own_fields(ignored(ObjectBuilder::new(), "id").description(Some(text)))
}

fn draft() -> RefOr<Schema> {
    let text = "Absent, null, or the id in the path; in a line of an import, the person to save.";
    with_own_fields(ObjectBuilder::new().property("id", named_id(text)))
}

/// A whole person, as bodies have it: nothing but fields that a person has.
fn with_own_fields(object: ObjectBuilder) -> RefOr<Schema> {
    let object = own_fields(object)
        .property("attributes", nullable_attributes("Absent or null where there are none."))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    let object = ["revision", "createdAt", "updatedAt"].into_iter().fold(object, ignored);
    let required = ["firstName", "lastName", "age", "job"];
    required.into_iter().fold(object, ObjectBuilder::required).examples([examples::draft()]).into()
}

fn patch() -> RefOr<Schema> {
    let object = own_fields(ObjectBuilder::new())
        .property(
            "attributes",
            nullable_attributes("Merged into those that there are; null removes what it stands for."),
        )
        .property("id", named_id("Absent, null, or the id in the path."))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    let object = ["revision", "createdAt", "updatedAt"].into_iter().fold(object, ignored);
    object.description(Some("A JSON Merge Patch (RFC 7396).")).examples([json!({"age": 37})]).into()
}

fn nullable_attributes(text: &str) -> AnyOfBuilder {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    AnyOfBuilder::new().item(shape("Attributes")).item(null).description(Some(text))
}

/// The id in a body.
fn named_id(text: &str) -> ObjectBuilder {
    formatted(string(text, None).schema_type(SchemaType::from_iter([Type::String, Type::Null])), "uuid")
}

fn attributes() -> RefOr<Schema> {
    let text = "Whatever else is to be known: at most 8 KiB as compact JSON, 8 levels deep with this one, no key twice, no \
                integer beyond 64 bits.";
    ObjectBuilder::new()
        .description(Some(text))
        .additional_properties(Some(shape("AttributeValue")))
        .extensions(Some(Extensions::from_iter([("x-levels-max", MAX_ATTRIBUTES_DEPTH)])))
        .into()
}

/// What lies within attributes. It refers to itself through `Attributes` only: generators of clients give a name to
/// objects, and drop a list that leads back to the union that it is a part of. So lists in lists are of anything.
fn attribute_value() -> RefOr<Schema> {
    let anything = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    let within = value_or_list(ArrayBuilder::new().items(anything));
    let text = "A JSON value, at most as deep as `Attributes` says.";
    value_or_list(ArrayBuilder::new().items(within)).description(Some(text)).into()
}

fn value_or_list(list: ArrayBuilder) -> AnyOfBuilder {
    let plain = SchemaType::from_iter([Type::Null, Type::Boolean, Type::String, Type::Number]);
    let plain = ObjectBuilder::new().schema_type(plain);
    AnyOfBuilder::new().item(plain).item(list).item(shape("Attributes"))
}

fn import_refusal() -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .description(Some("A line of the report: which line of the body was refused, and why."))
        .property("line", integer("From 1.", 1, None))
        .property("problem", shape("Problem"));
    object.required("line").required("problem").into()
}

fn import_total() -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .description(Some("The report's last line."))
        .property("saved", integer("People saved.", 0, None))
        .property("refused", integer("Lines refused.", 0, None))
        .property("lines", integer("Lines read, blank ones included.", 0, None));
    object.required("saved").required("refused").required("lines").into()
}

fn problem() -> RefOr<Schema> {
    let fault = ObjectBuilder::new()
        .property("pointer", string("The place in the body (RFC 6901).", None))
        .property("detail", string("What to send instead.", None))
        .required("pointer")
        .required("detail");
    let types = string("The kind of problem.", None).enum_values(Some(refusals::types()));
    let object = ObjectBuilder::new()
        .description(Some("A refusal (RFC 9457)."))
        .property("type", types)
        .property("title", string("The kind in words.", None))
        .property("status", integer("As the answer's.", 400, Some(599)))
        .property("detail", string("What to do about it.", None).min_length(Some(1)))
        .property(
            "instance",
            string("The request's id; lines of an import have none.", Some("^urn:uuid:[0-9a-f-]{36}$")),
        )
        .property("errors", ArrayBuilder::new().items(fault).description(Some("`validation`: all that is wrong.")))
        .property("line", integer("`malformed`: where the JSON ends to be one, from 1.", 0, None))
        .property("column", integer("`malformed`: in bytes.", 0, None))
        .property("offset", integer("`filter`: where it is wrong, in code points from 0.", 0, None))
        .property("length", integer("`filter`: of what is wrong, in code points.", 0, None))
        .property(
            "outcome",
            string("`store-unavailable`: the write may have happened.", None).enum_values(Some(["unknown"])),
        )
        .property("id", shape("Id"))
        .property(
            "reason",
            string("`cursor`: why it cannot be continued.", None).enum_values(Some(["trimmed", "forked", "epoch"])),
        )
        .property(
            "subprotocols",
            ArrayBuilder::new().items(string("", None)).description(Some("`malformed`: those that are spoken.")),
        )
        .property("host", string("`host`: what the request named.", None))
        .property("origin", string("`origin`: where the page is from.", None))
        .property("setting", string("`host`, `origin`: the setting that admits it.", None))
        .property(
            "damaged",
            string("What the store holds of this person cannot be read.", None).enum_values(Some(["record"])),
        )
        .property("saved", integer("Of an import that ended early.", 0, None))
        .property("refused", integer("Of an import that ended early.", 0, None))
        .property("lines", integer("Of an import that ended early.", 0, None));
    let required = ["type", "title", "status", "detail"];
    required.into_iter().fold(object, ObjectBuilder::required).into()
}

/// One line after the other, each a JSON text. They are told to generators of clients as bytes (`binary`), because they
/// are sent and read piece by piece.
pub(super) fn lines(text: &str, example: &str) -> ObjectBuilder {
    formatted(string(text, None).examples([Value::from(example)]), "binary")
}

/// A stream of server-sent events.
pub(super) fn events(text: &str) -> ObjectBuilder {
    string(text, None)
}

"""What the description cannot say: what a filter and an entity tag look like, that a key is used once, that the id in a
body is the one in the path, that two preconditions exclude each other, that an age is written without a fraction, how
deep attributes are (a schema cannot count), and how lines are written."""

import itertools
import json
import re

import schemathesis
from hypothesis import strategies as st

KEYS = itertools.count()
FILTERS = ["", "true", "age >= 18", 'firstName == "A" || !(lastName.startsWith("B"))', "has(attributes.x)",
           'attributes.city in ["Oslo", 7]', "size(job) > 3 && age in [1, 2, 3]", 'job.matches("^[a-z]+$")']

schemathesis.openapi.format("people-filter", st.sampled_from(FILTERS))
schemathesis.openapi.format("entity-tag", st.sampled_from(["*"] * 6 + ['"5f3a9c01b2d4e6f8.42.d1e5c0de9b1c3d5e"', '""']))


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    """Text and bytes go as they are; anything else is a line of JSON."""
    if isinstance(value, (str, bytes)):
        return value.encode() if isinstance(value, str) else value
    return json.dumps(value).encode() + b"\n"


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Keeps the rules between the parts of a request, of which a description knows nothing."""
    headers = case.headers or {}
    if re.fullmatch("[!-~]{1,240}", headers.get("Idempotency-Key", "")):
        headers["Idempotency-Key"] += f"-{next(KEYS)}"
    if case.method == "PUT" and headers.get("If-None-Match") == "*":
        headers.pop("If-Match", None)
    if not isinstance(case.body, dict):
        return
    attributes = case.body.get("attributes")
    if isinstance(attributes, dict):
        schemas = case.operation.schema.raw_schema["components"]["schemas"]
        case.body["attributes"] = cut(attributes, schemas["Attributes"]["x-levels-max"])
    if case.method in ("PUT", "PATCH") and is_id(case.body.get("id")):
        case.body["id"] = case.path_parameters["id"]
    age = case.body.get("age")
    if isinstance(age, float) and age.is_integer():
        case.body["age"] = int(age)


def cut(value, levels):
    """The value without the lists and objects that lie deeper than so many levels."""
    if not isinstance(value, (list, dict)):
        return value
    if levels == 0:
        return None
    if isinstance(value, list):
        return [cut(item, levels - 1) for item in value]
    return {name: cut(item, levels - 1) for name, item in value.items()}


def is_id(value):
    return isinstance(value, str) and len(value) == 36

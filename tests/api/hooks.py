"""Rules that the OpenAPI description cannot express.

Formats of filters, fields and entity tags, unique idempotency keys, equal ids in path and body,
preconditions that exclude each other, ages without a fraction, the depth of attributes, and lines
of JSON."""

import itertools
import json
import re

import schemathesis
from hypothesis import strategies as st

KEYS = itertools.count()
FILTERS = ["", "true", "age >= 18", 'firstName == "A" || !(lastName.startsWith("B"))',
           "has(attributes.x)", 'attributes.city in ["Oslo", 7]',
           "size(job) > 3 && age in [1, 2, 3]", 'job.matches("^[a-z]+$")']
# With all that an answer requires.
REQUIRED = "firstName,lastName,age,job,createdAt,updatedAt"
FIELDS = [REQUIRED, f"{REQUIRED},attributes", f'{REQUIRED}, id, attributes["a, b"].c']
TAGS = ["*"] * 6 + ['"5f3a9c01b2d4e6f8.42.d1e5c0de9b1c3d5e"', '""']

schemathesis.openapi.format("people-filter", st.sampled_from(FILTERS))
schemathesis.openapi.format("people-fields", st.sampled_from(FIELDS))
schemathesis.openapi.format("entity-tag", st.sampled_from(TAGS))


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    """Sends text and bytes unchanged, and any other value as a line of JSON."""
    if isinstance(value, (str, bytes)):
        return value.encode() if isinstance(value, str) else value
    return json.dumps(value).encode() + b"\n"


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Makes the parts of a request consistent with each other."""
    query = case.query or {}
    if query.get("fields") == "":
        # Asks for nothing that an answer requires.
        del query["fields"]
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
    """The value without its lists and objects below this many levels."""
    if not isinstance(value, (list, dict)):
        return value
    if levels == 0:
        return None
    if isinstance(value, list):
        return [cut(item, levels - 1) for item in value]
    return {name: cut(item, levels - 1) for name, item in value.items()}


def is_id(value):
    return isinstance(value, str) and len(value) == 36

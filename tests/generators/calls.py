"""Calls a gateway with the client that openapi-python-client made of its description: every call by REST, one refusal of
each form, and attributes of every shape."""

import importlib
import io
import json
import os
import pkgutil

import people
from people import models
from people.api.people import (create_person, delete_person, import_people, list_people, patch_person, read_person,
                               replace_person)
from people.types import File

for module in pkgutil.walk_packages(people.__path__, "people."):
    importlib.import_module(module.name)

client = people.Client(base_url=os.environ["GATEWAY"], raise_on_unexpected_status=True)
values = {"city": "Oslo", "tags": ["vip", 7, None, {"deep": [True]}, [[1.5]]], "home": {"street": {"number": 3}}}

created = create_person.sync_detailed(client=client, idempotency_key="py-1", body=models.NewPerson(
    first_name="Grace", last_name="Hopper", age=85, job="Admiral", attributes=models.Attributes.from_dict(values)))
grace = created.parsed
assert (created.status_code, type(grace)) == (201, models.Person), created
assert grace.to_dict()["attributes"] == values, grace

assert read_person.sync(grace.id, client=client).revision == grace.revision
assert read_person.sync_detailed(grace.id, client=client, if_none_match=f'"{grace.revision}"').status_code == 304
patched = patch_person.sync(grace.id, client=client, if_match=f'"{grace.revision}"', body=models.PersonPatch(age=86))
assert patched.age == 86, patched
assert [one.first_name for one in list_people.sync(client=client, where="age == 86", limit=10)] == ["Grace"]

lines = [{"firstName": "Alan", "lastName": "Turing", "age": 41, "job": ""}, {"firstName": "Barbara"}]
body = File(payload=io.BytesIO("\n".join(map(json.dumps, lines)).encode()))
report = [json.loads(line) for line in import_people.sync(client=client, body=body).payload]
refused, total = models.ImportRefusal.from_dict(report[0]), models.ImportTotal.from_dict(report[1])
assert (refused.line, total.saved, total.refused) == (2, 1, 1), report

invalid = replace_person.sync(grace.id, client=client, body=models.PersonDraft(
    first_name="", last_name="Hopper", age=200, job="Admiral"))
assert isinstance(invalid, models.Problem) and invalid.status == 422, invalid
assert [fault.pointer for fault in invalid.errors] == ["/firstName", "/age"], invalid

assert delete_person.sync_detailed(grace.id, client=client).status_code == 204
nobody = read_person.sync(grace.id, client=client)
assert (nobody.status, nobody.type_) == (404, "/problems/not-found"), nobody
print("Called with the client of openapi-python-client.")

// Calls a gateway with the types that openapi-typescript made of its description: every call by REST, one refusal of each
// form, and attributes of every shape.

import assert from 'node:assert/strict';
import createClient from 'openapi-fetch';
import type { components, paths } from './people.js';

type Person = components['schemas']['Person'];
type Problem = components['schemas']['Problem'];

const client = createClient<paths>({ baseUrl: process.env['GATEWAY'] ?? '' });
const attributes: components['schemas']['Attributes'] = {
  city: 'Oslo', tags: ['vip', 7, null, { deep: [true] }, [[1.5]]], home: { street: { number: 3 } },
};

const created = await client.POST('/people', {
  params: { header: { 'Idempotency-Key': 'ts-1' } },
  body: { firstName: 'Ada', lastName: 'Lovelace', age: 36, job: 'Mathematician', attributes },
});
assert.equal(created.response.status, 201);
const ada: Person | undefined = created.data;
assert.ok(ada);
assert.deepEqual(ada.attributes, attributes);
const path = { id: ada.id };

const read = await client.GET('/people/{id}', { params: { path } });
assert.equal(read.data?.revision, ada.revision);

const patched = await client.PATCH('/people/{id}', {
  params: { path, header: { 'If-Match': `"${ada.revision}"` } }, body: { age: 37, attributes: null },
});
assert.equal(patched.data?.age, 37);

const list = await client.GET('/people', { params: { query: { where: 'age == 37', limit: 10 } } });
// The same call may be asked for lines.
assert.ok(Array.isArray(list.data));
assert.deepEqual(list.data.map((person) => person.firstName), ['Ada']);

const lines = [{ firstName: 'Alan', lastName: 'Turing', age: 41, job: '' }, { firstName: 'Grace' }];
const imported = await client.POST('/people/import', {
  body: lines.map((line) => JSON.stringify(line)).join('\n'),
  bodySerializer: (body) => body, headers: { 'Content-Type': 'application/x-ndjson' }, parseAs: 'text',
});
const report = imported.data?.trim().split('\n').map((line) => JSON.parse(line));
const refusedLine: components['schemas']['ImportRefusal'] = report?.[0];
const total: components['schemas']['ImportTotal'] = report?.[1];
assert.deepEqual([refusedLine.line, total.saved, total.refused], [2, 1, 1]);

const replaced = await client.PUT('/people/{id}', { params: { path }, body: { ...ada, age: 200 } });
const invalid: Problem | undefined = replaced.error;
assert.deepEqual([replaced.response.status, invalid?.type], [422, '/problems/validation']);
assert.equal(invalid?.errors?.[0]?.pointer, '/age');

assert.equal((await client.DELETE('/people/{id}', { params: { path } })).response.status, 204);
const gone = await client.GET('/people/{id}', { params: { path } });
const nobody: Problem | undefined = gone.error;
assert.deepEqual([nobody?.status, nobody?.detail], [404, `There is no record with id: ${ada.id}`]);
console.log('Called with the types of openapi-typescript.');

// Files of people mean the same in the console and to `people-gateway import`: examples as in the tests there.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import test from 'node:test';

import { load } from './modules.mjs';

const { PeopleReader } = await load('csv.js');
const { idOf, named } = await load('ids.js');
const { sha256 } = await load('sha256.js');
const { json, typed } = await load('values.js');

/** What a file means, read in pieces of this many characters: line, and the person's JSON or what is wrong. */
function records(text, name = 'f.csv', size = text.length) {
  const reader = new PeopleReader(name);
  const found = [];
  for (let start = 0; start < text.length; start += size) found.push(...reader.read(text.slice(start, start + size)));
  found.push(...reader.end());
  return found;
}

/** The people of a file without their ids. */
const people = (...file) => records(...file).map(({ line, json }) => {
  const { id, ...person } = JSON.parse(json);
  return [line, person];
});

test('the hash is SHA-256, whatever the length', () => {
  for (let length = 0; length <= 200; length++) {
    const bytes = randomBytes(length);
    assert.equal(Buffer.from(sha256(bytes)).toString('hex'), createHash('sha256').update(bytes).digest('hex'), `${length}`);
  }
});

test('ids are those of the command line', () => {
  // Computed with Python's hashlib; the same are in src/cli/import/ids.rs.
  assert.equal(idOf('people.csv', 2), '3113c110-26ef-8987-b143-d431eb42ae97');
  assert.equal(idOf('Müller & Söhne 東京.ndjson', 123456), '330fad5f-6d6b-837d-bcc8-22fede1f020b');
});

test('a line of JSON gets an id where it has none and is otherwise left alone', () => {
  const id = idOf('f', 7);
  for (const [line, expected] of [
    ['{}', `{"id":"${id}"}`],
    ['{ "age" : 99999999999999999999 }', `{"id":"${id}", "age" : 99999999999999999999 }`],
    ['{"a":{"id":1}}', `{"id":"${id}","a":{"id":1}}`],
    ['{"id": null ,"age":1}', `{"id": "${id}" ,"age":1}`],
    ['{"a":["id",{"id":null}],"\\"":"id","\\u0069d":null}', `{"a":["id",{"id":null}],"\\"":"id","\\u0069d":"${id}"}`],
  ]) {
    assert.equal(named(line, id), expected);
  }
  for (const line of ['{"id":"x"}', '{"id":7}', '{"\\u0069d":7}', '[1]', '[]', '{', '', 'nonsense', '{"id":1,"id":2}', '{"id":1,"id":null}']) {
    assert.equal(named(line, id), line);
  }
});

test('a text is typed only where it is exactly the value', () => {
  for (const value of ['7', '-7', '1.5', '18446744073709551615', '-9223372036854775808', 'true', 'false', '[1,"a"]', '{"a":{}}',
    '0.1', '1.0', '-0.0', '1e+16', '1000000000000000.0', '1.5e+300', '1e-6', '0.00001', '123456789012345.6', '0.30000000000000004', '[123456789012345678901]']) {
    assert.notEqual(typeof typed(value), 'string', value);
    assert.equal(json(typed(value)), value);
  }
  for (const text of ['', '007', '1.50', '1e3', '+7', ' 7', '7 ', '-', '-0', '18446744073709551616', '-9223372036854775809', '1,5', 'True',
    'null', '[1', '{a}', '"7"', 'NaN', '0x1', '--7', '0.000001', '1e-5', '1e16', '10000000000000000.0', '1E16', '1e400', '123456789.123456789']) {
    assert.equal(typed(text), text);
  }
  const hard = '{"__proto__":{"2":1,"1":[true,null,"t","l1","\\u0000\\"1 2\\\\"]},"":1e400}';
  assert.equal(json(typed(hard)), hard);
});

test('a CSV file is read the same whatever the pieces, with quotes, line breaks and the lines it came from', () => {
  const text =
    '\uFEFFFirst name,last_name,AGE, Job ,city,attributes.address.zip,code,attributes,revision,\r\n' +
    'Ada,"Love ""Lace""", 36,,"Oslo,\r\nNorway",7,0123,,a.1.b,x\r\n' +
    '\r\n' +
    ',,,,,,,,,\r\n' +
    'Alan,Turing,old, Engineer ,,,12345678901234567890,"{""b"":[1]}",,';
  const expected = [
    [2, { firstName: 'Ada', lastName: 'Love "Lace"', age: 36, job: '', attributes: { city: 'Oslo,\r\nNorway', address: { zip: 7 }, code: '0123' } }],
    [6, { firstName: 'Alan', lastName: 'Turing', age: 'old', job: ' Engineer ', attributes: { code: 12345678901234567890, b: [1] } }],
  ];
  for (const size of [1, 2, 3, 7, text.length]) assert.deepEqual(people(text, 'f.csv', size), expected, `${size}`);
  const whole = records(text);
  assert.deepEqual(whole.map(({ line, json }) => JSON.parse(json).id === idOf('f.csv', line)), [true, true]);
  assert.match(whole[1].json, /"code":12345678901234567890,/, 'every digit');
});

const HEADER = 'firstName,lastName,age,job';

test('semicolons and tabs separate too, and lines may end as on old machines', () => {
  const expected = [[2, { firstName: 'Ada', lastName: 'L', age: 3, job: 'a,b' }], [3, { firstName: 'Bob', lastName: 'L', age: 4, job: '' }]];
  for (const separator of [';', '\t']) {
    for (const end of ['\n', '\r\n', '\r']) {
      const text = ['firstName;lastName;age;job', 'Ada;L;3;a,b', 'Bob;L;4;'].join(end).replaceAll(';', separator);
      assert.deepEqual(people(text, 'f', 4), expected, JSON.stringify(end));
    }
  }
});

test('a record that does not fit the headings is refused in words, and the others are read', () => {
  const found = records(`${HEADER},attributes\nA,B,1\nA,B,1,C,,\nA,B,1,C,,x\nA,B,1,C,[1]\n`);
  assert.deepEqual(found.map(({ line, refused }) => [line, refused?.slice(0, 11)]), [
    [2, 'has 3 cells'], [3, undefined], [4, 'has 6 cells'], [5, 'attributes:'],
  ]);
});

test('headings and files that make no sense are refused before anybody is saved', () => {
  for (const [text, words] of [
    ['Given name,lastName,age,job\n', /No column is firstName; there are "Given name", "lastName"/],
    [`${HEADER},First Name\n`, /"firstName" and "First Name" are the same/],
    [`${HEADER},city,attributes.city\n`, /"city" and "attributes.city" are the same/],
    [`${HEADER},attributes.a,attributes.a.b\n`, /are the same/],
    ['[{}]', /JSON array.*jq/],
    [`${HEADER}\nA,"B,1,C\n`, /line 2 is not closed/],
    [`${HEADER}\nA,"${'x\n'.repeat(600_000)}`, /line 2 is not closed/],
  ]) {
    assert.throws(() => records(text, 'f'), words, text.slice(0, 80));
  }
});

test('what begins with a brace is NDJSON unless its name says otherwise, with the numbers of its lines', () => {
  const reader = new PeopleReader('f');
  const found = [...reader.read(' {"age": 12345678901234567890}\n\n{"a'), ...reader.read('":1}\r\n{'), ...reader.end()];
  assert.deepEqual(found, [
    { line: 1, json: `{"id":"${idOf('f', 1)}","age": 12345678901234567890}` },
    { line: 3, json: `{"id":"${idOf('f', 3)}","a":1}` },
    { line: 4, json: '{' },
  ]);
  assert.throws(() => records('{}\n', 'f.CSV'), /No column/);
  assert.deepEqual(records('nonsense\n', 'f.jsonl'), [{ line: 1, json: 'nonsense' }]);
});

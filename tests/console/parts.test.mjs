// The console's parts that need no page: reading files, and the order of the rows.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

/** A module of the console that imports none. */
function load(file) {
  const source = readFileSync(new URL(`../../src/console/${file}`, import.meta.url), 'utf8');
  return import(`data:text/javascript,${encodeURIComponent(source)}`);
}

const { PeopleReader } = await load('csv.js');
const { Rows } = await load('rows.js');
const { EventLog } = await load('event-log.js');
const { Rates } = await load('rates.js');

/** What a file means, read in pieces of this many characters. */
function people(text, size) {
  const reader = new PeopleReader();
  const records = [];
  for (let start = 0; start < text.length; start += size) records.push(...reader.read(text.slice(start, start + size)));
  records.push(...reader.end());
  return records.map(({ line, json }) => [line, JSON.parse(json)]);
}

test('a CSV file is read the same whatever the pieces, with quotes, line breaks and the lines it came from', () => {
  const text =
    '\uFEFFFirst name,last_name,AGE,job,city,attributes.tags,zip,attributes\r\n' +
    'Ada,"Love ""Lace""",36,,"Oslo,\r\nNorway","[""vip"",1]",0123,\r\n' +
    '\r\n' +
    'Alan,Turing,old,Engineer,,,12345678901234567890,"{""a"":true}"';
  const expected = [
    [2, { firstName: 'Ada', lastName: 'Love "Lace"', age: 36, job: '', attributes: { city: 'Oslo,\r\nNorway', tags: ['vip', 1], zip: '0123' } }],
    [5, { firstName: 'Alan', lastName: 'Turing', age: 'old', job: 'Engineer', attributes: { zip: '12345678901234567890', a: true } }],
  ];
  for (const size of [1, 2, 3, 7, text.length]) assert.deepEqual(people(text, size), expected, `${size}`);
});

test('semicolons and tabs separate too, and a quoted header may hold a comma', () => {
  const expected = [[2, { firstName: 'Ada', lastName: 'L', age: 3, job: 'a,b' }]];
  for (const separator of [';', '\t']) {
    assert.deepEqual(people(['firstName;lastName;age;job', 'Ada;L;3;a,b'].join('\n').replaceAll(';', separator), 4), expected);
  }
  assert.deepEqual(people('"a, b";firstName\n1;Ada\n', 3), [[2, { firstName: 'Ada', attributes: { 'a, b': 1 } }]]);
});

test('NDJSON goes as it is, with the numbers of its lines', () => {
  const reader = new PeopleReader();
  const records = [...reader.read('{"age": 12345678901234567890}\n\n{"a'), ...reader.read('":1}\r\n{'), ...reader.end()];
  assert.deepEqual(records, [
    { line: 1, json: '{"age": 12345678901234567890}' }, { line: 3, json: '{"a":1}' }, { line: 4, json: '{' },
  ]);
});

const person = (id, lastName, age, updatedAt) => ({ id, firstName: 'F', lastName, age, job: 'J', updatedAt });

test('rows stand in order, and who goes stays for a moment', (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'] });
  const [a, b, c] = [person('1', 'a', 30, '2026-01-01'), person('2', 'B', 20, '2026-01-03'), person('3', 'c', 20, '2026-01-02')];
  const view = new Map([a, b, c].map((person) => [person.id, person]));
  const rows = new Rows();
  const shown = () => {
    t.mock.timers.tick(1000);
    rows.show(view, () => {});
    return rows.list.map(({ id }) => id).join('');
  };
  assert.equal(shown(), '231', 'the latest first');
  rows.sortBy('name');
  assert.equal(shown(), '123', 'whatever the case');
  rows.sortBy('age');
  assert.equal(shown(), '231', 'equal ones by id');
  rows.sortBy('age');
  assert.equal(shown(), '132');
  view.delete('3');
  rows.flash('leave', c);
  assert.equal(shown(), '132');
  assert.equal(rows.flashOf('3').type, 'leave');
  t.mock.timers.tick(1000);
  assert.equal(shown(), '12');
  assert.equal(rows.flashOf('3'), undefined);
});

test('a paused log shows what it showed and counts what comes', () => {
  const log = new EventLog();
  for (let n = 1; n <= 3; n++) log.add({ n });
  log.togglePause();
  log.add({ n: 4 });
  assert.deepEqual([log.latest(2).map(({ event }) => event.n), log.missed], [[3, 2], 1]);
  log.togglePause();
  assert.deepEqual([log.latest(2).map(({ event }) => event.n), log.missed], [[4, 3], 0]);
  for (let n = 5; n <= 5000; n++) log.add({ n });
  assert.deepEqual([log.latest(1)[0].event.n, log.latest(9999).length <= 1000], [5000, true]);
});

test('rates count what came, changed and went in each second', () => {
  const rates = new Rates();
  for (const type of ['create', 'enter', 'update', 'leave', 'delete', 'delete', 'live']) rates.count(type);
  rates.tick();
  assert.deepEqual([rates.data.slice(1).map((line) => line.at(-1)), rates.last], [[2, 1, 3], 6]);
  rates.tick();
  assert.equal(rates.last, 0);
});

// The plan of an import: columns, the preview, and changes of types.

import assert from 'node:assert/strict';
import test from 'node:test';

import { load } from './modules.mjs';

const { changeOf, inspect, pathInFilter, preview, recall, remember, typeOf } =
  await load('import-plan.js');
const { json, Literal } = await load('values.js');

/** A browser's storage in memory. */
const storage = (items = {}) => ({
  getItem: (key) => items[key] ?? null,
  setItem: (key, value) => (items[key] = value),
  items,
});
const file = (text, name = 'people.csv') => new File([text], name);
const HEADER = ['firstName', 'lastName', 'age', 'job', 'tags'];

test('inspecting a file reads only its beginning', async () => {
  const rows = Array.from({ length: 3000 }, (_, index) => `A,B,${index % 100},C,x\n`).join('');
  const found = await inspect(file(`${HEADER}\n${rows}"`));
  assert.deepEqual(
    [found.format, found.header, found.rows.length, found.rows[0]],
    ['csv', HEADER, 1000, { line: 2, cells: ['A', 'B', '0', 'C', 'x'] }],
  );
  assert.equal(found.fault, undefined, 'errors after the beginning stay undetected');
  assert.deepEqual(await inspect(file('{"a":1}\n', 'people')), { rows: [], format: 'ndjson' });
  assert.equal((await inspect(file('{}', 'people.jsonl'))).format, 'ndjson');
  assert.match((await inspect(file(`${HEADER}\nA,"x" y,1,C\n`))).fault, /line 2, column 5/);
  const latin = file(Buffer.from(`${HEADER},Größe\nA,B,1,C,x,2\n`, 'latin1'));
  assert.match((await inspect(latin)).fault, /line 1 is not UTF-8/);
  assert.equal((await inspect(latin, 'windows-1252')).header[5], 'Größe');
  assert.deepEqual(await inspect(file('')), { rows: [], format: 'csv' });
});

test('columns have the targets of the last import with these headings, or by heading', () => {
  const kept = storage();
  assert.deepEqual(recall(HEADER, kept)[4], { path: ['tags'], type: 'auto' });
  const choices = [...recall(HEADER, kept).slice(0, 4), { path: ['tags'], type: 'list' }];
  remember(HEADER, choices, kept);
  assert.deepEqual(recall([' tags', ...HEADER.slice(0, 4)], kept), [
    choices[4],
    ...choices.slice(0, 4),
  ]);
  assert.deepEqual(
    recall([...HEADER, 'city'], kept)[4].type,
    'auto',
    'other headings are another table',
  );
  for (let index = 0; index < 60; index++) remember([`x${index}`], [{ skip: true }], kept);
  assert.equal(Object.keys(JSON.parse(kept.items['people-gateway.columns'])).length, 50);
  assert.deepEqual(recall(['x59'], kept), [{ skip: true }]);
  const broken = {
    getItem: () => {
      throw new Error('no storage');
    },
    setItem: () => {
      throw new Error('full');
    },
  };
  remember(HEADER, choices, broken);
  assert.equal(recall(HEADER, broken)[4].type, 'auto');
  assert.equal(recall(HEADER, storage({ 'people-gateway.columns': 'garbage' }))[4].type, 'auto');
});

test('the preview shows the values that the import would save', () => {
  const rows = [
    { line: 2, cells: ['A', 'B', '36.0', '', 'chess;go'] },
    { line: 3, cells: ['A', 'B', '1', 'C', '', 'x'] },
  ];
  const choices = recall(HEADER, storage());
  const previewed = (choices) =>
    preview(HEADER, rows, choices).rows.map(
      ({ values, refused }) =>
        refused?.slice(0, 11) ?? values.map((value) => (value === undefined ? '' : json(value))),
    );
  assert.deepEqual(previewed(choices), [['"A"', '"B"', '36', '""', '"chess;go"'], 'has 6 cells']);
  assert.equal(
    previewed(choices.with(4, { path: ['a', 'b'], type: 'list' }))[0][4],
    '["chess","go"]',
  );
  assert.equal(previewed(choices.with(4, { skip: true }))[0][4], '');
  assert.equal(previewed(choices.with(4, { path: ['tags'], type: 'number' }))[0], 'attributes.');
  assert.match(
    preview(HEADER, rows, choices.with(0, { skip: true })).fault,
    /No column is firstName/,
  );
});

test('a change of type comes with an example of both types', () => {
  for (const [value, type] of [
    ['x', 'text'],
    [['a'], 'list'],
    [1, 'number'],
    [true, 'truth value'],
    [{}, 'object'],
    [null, undefined],
    [undefined, undefined],
    [new Literal('1.5'), 'number'],
    [new Literal('false'), 'truth value'],
    [new Literal('null'), undefined],
    [new Map(), 'object'],
  ]) {
    assert.equal(typeOf(value), type);
  }
  const people = [undefined, ['chess'], ['go'], null];
  assert.deepEqual(changeOf(['chess;go'], people), {
    was: 'list',
    becomes: 'text',
    before: ['chess'],
    after: 'chess;go',
    people: 2,
  });
  assert.equal(changeOf([['x'], undefined], people), undefined);
  assert.equal(changeOf(['x'], [undefined, null]), undefined, 'no person has the attribute yet');
  assert.equal(changeOf([undefined], people), undefined);
  assert.equal(changeOf(['x', new Literal('7')], ['a', 1]), undefined, 'both types exist already');
  assert.equal(pathInFilter(['a', 'b c', 'ü']), 'attributes.a["b c"]["ü"]');
});

// The console passes the test cases of `people-gateway import`.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { load } from './modules.mjs';

const { choiceFor } = await load('columns.js');
const { textOf } = await load('decoding.js');
const { idOf } = await load('ids.js');
const { PeopleReader } = await load('people-file.js');

const CASES = JSON.parse(readFileSync(new URL('../../import/cases.json', import.meta.url), 'utf8'));

/** The target of a column by the flags of the command. */
function targetOf(heading, { map = {}, text = [], number = [], list = [], skip = [] }) {
  const name = heading.trim();
  const isOf = (names) => names.some((named) => named === name || `attributes.${named}` === name);
  if (isOf(skip)) return { skip: true };
  const choice = choiceFor(Object.hasOwn(map, name) ? map[name] : name);
  const type = Object.entries({ text, number, list }).find(([, names]) => isOf(names))?.[0];
  return choice.path && type ? { ...choice, type } : choice;
}

/** Reads a file in pieces of this many characters: people, refused lines, and the final error. */
async function read({ file = 'f.csv', text, bytes, encoding, rules = {} }, pieces) {
  const found = { people: [], refused: [] };
  const { separator, plain } = rules;
  const reader = new PeopleReader(file, {
    separator,
    plain,
    choose: (heading) => targetOf(heading, rules),
  });
  const take = (records) => {
    for (const { line, json, refused } of records) {
      if (refused === undefined) found.people.push([line, json]);
      else found.refused.push([line, refused]);
    }
  };
  try {
    const blob = new Blob([bytes === undefined ? text : Buffer.from(bytes, 'hex')]);
    for await (const { text } of textOf(blob, encoding)) {
      for (let at = 0; at < text.length; at += pieces)
        take(reader.read(text.slice(at, at + pieces)));
    }
    take(reader.end());
  } catch (error) {
    found.error = error.message;
  }
  return found;
}

for (const given of CASES) {
  test(given.name, async () => {
    for (const pieces of [1, 2, 3, 5, Infinity]) {
      // Decoders yield no half characters, so the pieces must have none.
      if (pieces < Infinity && /[\uD800-\uDFFF]/.test(given.text ?? '')) continue;
      const { people, refused, error } = await read(given, pieces);
      const plain = people.map(([line, json], index) => {
        const person = JSON.parse(json);
        if (given.people[index]?.[1].id === undefined) {
          assert.equal(person.id, idOf(given.file ?? 'f.csv', line));
          delete person.id;
        }
        return [line, person];
      });
      assert.deepEqual(plain, given.people);
      assert.deepEqual(refused.map(([line]) => line), (given.refused ?? []).map(([line]) => line));
      refused.forEach(([, words], index) =>
        assert.ok(words.includes(given.refused[index][1]), words),
      );
      assert.equal(error === undefined, given.error === undefined, error);
      if (error) assert.ok(error.toLowerCase().includes(given.error.toLowerCase()), error);
    }
  });
}

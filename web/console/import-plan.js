// Before a file is sent: what its columns would be, what the first rows would become, and what that would change of people
// who are there already. Pure, but for what it remembers.

import { choiceFor, Columns, faultOf } from './columns.js';
import { CsvReader } from './csv.js';
import { textOf } from './decoding.js';
import { PeopleReader } from './people-file.js';
import { Literal, trimmed } from './values.js';

/** Rows by whose values the type of a column is told. */
const ROWS_MAX = 1000;
/** Kinds of tables that are remembered; the latest ones. */
const REMEMBERED_MAX = 50;
const KEY = 'people-gateway.columns';

/**
 * Looks at the beginning of a file: `{ format, header, rows, fault }`, rows being `{ line, cells }`. What is not read so far
 * is not judged. A file of lines has a format only.
 */
export async function look(file, encoding) {
  const found = { rows: [] };
  const take = (record) => {
    if (found.header) found.rows.push(record);
    else found.header = record.cells;
  };
  try {
    const people = new PeopleReader(file.name);
    const table = new CsvReader();
    for await (const { text } of textOf(file, encoding)) {
      // The first person is not of interest here, only what they are written in.
      if (!people.format) people.read(text).next();
      if (people.format === 'ndjson') return { ...found, format: 'ndjson' };
      for (const record of table.read(text)) {
        take(record);
        if (found.rows.length >= ROWS_MAX) return { ...found, format: 'csv' };
      }
    }
    for (const record of table.end()) take(record);
  } catch (error) {
    found.fault = error.message;
  }
  return { ...found, format: 'csv' };
}

/** Tables are of one kind when they have the same headings, in any order. */
const kindOf = (header) => JSON.stringify(header.map(trimmed).sort());

function remembered(storage) {
  try {
    return JSON.parse(storage.getItem(KEY)) ?? {};
  } catch {
    // Somebody else's, or none to be had: nothing is remembered then.
    return {};
  }
}

/** What the columns of such a table were the last time, else what their headings say. */
export function recall(header, storage) {
  const choices = remembered(storage)[kindOf(header)];
  return header.map((heading) => choices?.[trimmed(heading)] ?? choiceFor(heading));
}

/** Remembers what the columns of such a table are. */
export function remember(header, choices, storage) {
  const { [kindOf(header)]: _, ...others } = remembered(storage);
  const kept = Object.entries(others).slice(-(REMEMBERED_MAX - 1));
  const own = Object.fromEntries(header.map((heading, index) => [trimmed(heading), choices[index]]));
  try {
    storage.setItem(KEY, JSON.stringify({ ...Object.fromEntries(kept), [kindOf(header)]: own }));
  } catch {
    // No room, or no storage: the next time it is asked again.
  }
}

const valueAt = (person, { field, path }) => {
  if (field) return person.get(field);
  return path?.reduce((object, name) => (object instanceof Map ? object.get(name) : undefined), person.get('attributes'));
};

/**
 * What the rows would become: `{ fault }` where the columns make no people, else `{ rows }`, each `{ line, values }`, one a
 * column, or `{ line, refused }`.
 */
export function preview(header, rows, choices, plain = false) {
  const fault = faultOf(header, choices);
  if (fault) return { fault, rows: [] };
  const columns = new Columns(header, { choose: (_, index) => choices[index], plain });
  return {
    rows: rows.map(({ line, cells }) => {
      try {
        const person = columns.person(cells);
        return { line, values: choices.map((choice) => valueAt(person, choice)) };
      } catch (error) {
        return { line, refused: error.message };
      }
    }),
  };
}

/** What kind of value it is, of JSON's own or of a file's; nothing of what is not there. */
export function typeOf(value) {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return 'text';
  if (Array.isArray(value)) return 'list';
  const word = value instanceof Literal ? value.text : String(value);
  if (word === 'null') return undefined;
  if (word === 'true' || word === 'false') return 'truth value';
  return typeof value === 'number' || value instanceof Literal ? 'number' : 'object';
}

/** A path of attributes as filters write it. */
export const pathInFilter = (path) =>
  path.reduce((whole, name) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `${whole}.${name}` : `${whole}[${JSON.stringify(name)}]`), 'attributes');

/**
 * The types that values of existing people have and these have not: `{ was, becomes, before, after, people }`, an example
 * each, and how many of the people who were looked at have it. Nothing where all have one already.
 */
export function changeOf(values, existing) {
  const before = existing.filter((value) => typeOf(value) !== undefined);
  const known = new Set(before.map(typeOf));
  const after = values.find((value) => typeOf(value) !== undefined && !known.has(typeOf(value)));
  if (before.length === 0 || after === undefined) return undefined;
  const was = typeOf(before[0]);
  return { was, becomes: typeOf(after), before: before[0], after, people: before.filter((value) => typeOf(value) === was).length };
}

/** Values of an attribute that people have now, as far as the first ones tell: as many as the gateway gives at once. */
export async function existingAt(path, signal) {
  const query = new URLSearchParams({ where: `${pathInFilter(path)} != null`, limit: '1000' });
  const answer = await fetch(`people?${query}`, { headers: { accept: 'application/json' }, signal });
  if (!answer.ok) return [];
  const people = await answer.json();
  return people.map(({ attributes }) => path.reduce((object, name) => object?.[name], attributes));
}

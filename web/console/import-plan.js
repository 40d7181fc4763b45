// The plan of an import before the file is sent: the targets of its columns, a preview of the first
// rows, and the types that the import would change for existing people.

import { access } from './access.js';
import { choiceFor, Columns, faultOf } from './columns.js';
import { CsvReader } from './csv.js';
import { textOf } from './decoding.js';
import { PeopleReader } from './people-file.js';
import { Literal, trimmed } from './values.js';

/** The limit of rows in the preview; their values decide the type of a column. */
const ROWS_MAX = 1000;
/** The limit of remembered tables; the latest ones stay. */
const REMEMBERED_MAX = 50;
const KEY = 'people-gateway.columns';

/**
 * Reads the beginning of a file: `{ format, header, rows, fault }`, each row as `{ line, cells }`.
 * Errors after the beginning stay undetected. The result for NDJSON has only a format.
 */
export async function inspect(file, encoding) {
  const found = { rows: [] };
  const take = (record) => {
    if (found.header) found.rows.push(record);
    else found.header = record.cells;
  };
  try {
    const people = new PeopleReader(file.name);
    const table = new CsvReader();
    for await (const { text } of textOf(file, encoding)) {
      // Only for the format: the person itself is ignored.
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

/** The key of a table: tables with the same headings, in any order, share one. */
const tableKey = (header) => JSON.stringify(header.map(trimmed).sort());

function remembered(storage) {
  try {
    return JSON.parse(storage.getItem(KEY)) ?? {};
  } catch {
    // The storage is not available, or the item is not JSON.
    return {};
  }
}

/**
 * The targets of the columns in the last import of this table, else the targets by the headings.
 */
export function recall(header, storage) {
  const choices = remembered(storage)[tableKey(header)];
  return header.map((heading) => choices?.[trimmed(heading)] ?? choiceFor(heading));
}

/** Remembers the targets of a table's columns. */
export function remember(header, choices, storage) {
  const { [tableKey(header)]: _, ...others } = remembered(storage);
  const kept = Object.entries(others).slice(-(REMEMBERED_MAX - 1));
  const own = Object.fromEntries(
    header.map((heading, index) => [trimmed(heading), choices[index]]),
  );
  try {
    storage.setItem(KEY, JSON.stringify({ ...Object.fromEntries(kept), [tableKey(header)]: own }));
  } catch {
    // The storage is full or not available: the next import starts from the headings.
  }
}

const valueAt = (person, { field, path }) => {
  if (field) return person.get(field);
  return path?.reduce(
    (object, name) => (object instanceof Map ? object.get(name) : undefined),
    person.get('attributes'),
  );
};

/**
 * A preview of the rows: `{ fault }` if the columns make no people, else `{ rows }`. A row is `{
 * line, values }` with a value for each column, or `{ line, refused }` with the error.
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

/** The type of a value from JSON or from a file; undefined for null and undefined. */
export function typeOf(value) {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return 'text';
  if (Array.isArray(value)) return 'list';
  const word = value instanceof Literal ? value.text : String(value);
  if (word === 'null') return undefined;
  if (word === 'true' || word === 'false') return 'truth value';
  return typeof value === 'number' || value instanceof Literal ? 'number' : 'object';
}

/** The path of an attribute in filter syntax. */
export const pathInFilter = (path) =>
  path.reduce(
    (whole, name) =>
      /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
        ? `${whole}.${name}`
        : `${whole}[${JSON.stringify(name)}]`,
    'attributes',
  );

/**
 * The change of an attribute's type: `{ was, becomes, before, after, people }` with an example of
 * each type, and the number of existing people with the old type. Undefined if existing people have
 * all types of the new values.
 */
export function changeOf(values, existing) {
  const before = existing.filter((value) => typeOf(value) !== undefined);
  const known = new Set(before.map(typeOf));
  const after = values.find((value) => typeOf(value) !== undefined && !known.has(typeOf(value)));
  if (before.length === 0 || after === undefined) return undefined;
  const was = typeOf(before[0]);
  return {
    was,
    becomes: typeOf(after),
    before: before[0],
    after,
    people: before.filter((value) => typeOf(value) === was).length,
  };
}

/** Values of an attribute from the first page of people that have it. */
export async function existingAt(path, signal) {
  const query = new URLSearchParams({ where: `${pathInFilter(path)} != null`, limit: '1000' });
  const answer = await access.fetch(`people?${query}`, {
    headers: { accept: 'application/json' },
    signal,
  });
  if (!answer.ok) return [];
  const people = await answer.json();
  return people.map(({ attributes }) => path.reduce((object, name) => object?.[name], attributes));
}
